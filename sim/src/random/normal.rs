//! The normal distribution, by `libm` alone: Rust's own float functions call the platform's library, and two platforms
//! round differently.

/// The value below which a standard normal variable falls with probability `p`, which must lie between 0 and 1, ends
/// left out. Good to about 16 digits: algorithm AS 241, routine PPND16 (M. J. Wichura, *The Percentage Points of the
/// Normal Distribution*, Applied Statistics 37, 1988).
pub(super) fn quantile(p: f64) -> f64 {
    let centred = p - 0.5;
    if centred.abs() <= 0.425 {
        let r = 0.180_625 - centred * centred;
        return centred * ratio(&CENTRE, r);
    }
    let tail = if centred < 0.0 { p } else { 1.0 - p };
    let r = libm::sqrt(-libm::log(tail));
    let distance = if r <= 5.0 {
        ratio(&TAIL, r - 1.6)
    } else {
        ratio(&FAR_TAIL, r - 5.0)
    };
    if centred < 0.0 { -distance } else { distance }
}

/// The probability that a standard normal variable is at most `x`.
pub(super) fn cumulative(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

/// The density of a standard normal variable at `x`.
pub(super) fn density(x: f64) -> f64 {
    const ONE_OVER_ROOT_TWO_PI: f64 = 0.398_942_280_401_432_7;
    ONE_OVER_ROOT_TWO_PI * libm::exp(-0.5 * x * x)
}

/// Two polynomials of degree 7, lowest coefficient first.
struct Ratio {
    above: [f64; 8],
    below: [f64; 8],
}

fn ratio(of: &Ratio, x: f64) -> f64 {
    let polynomial = |coefficients: &[f64; 8]| {
        let [lower @ .., highest] = coefficients;
        lower.iter().rev().fold(*highest, |sum, c| sum * x + c)
    };
    polynomial(&of.above) / polynomial(&of.below)
}

// The coefficients as published; some have more digits than an f64 holds.
#[allow(clippy::excessive_precision)]
const CENTRE: Ratio = Ratio {
    above: [
        3.387_132_872_796_366_608_0,
        1.331_416_678_917_843_774_5e+2,
        1.971_590_950_306_551_442_7e+3,
        1.373_169_376_550_946_112_5e+4,
        4.592_195_393_154_987_145_7e+4,
        6.726_577_092_700_870_085_3e+4,
        3.343_057_558_358_812_810_5e+4,
        2.509_080_928_730_122_672_7e+3,
    ],
    below: [
        1.0,
        4.231_333_070_160_091_125_2e+1,
        6.871_870_074_920_579_083_0e+2,
        5.394_196_021_424_751_107_7e+3,
        2.121_379_430_158_659_586_7e+4,
        3.930_789_580_009_271_061_0e+4,
        2.872_908_573_572_194_267_4e+4,
        5.226_495_278_852_854_561_0e+3,
    ],
};

#[allow(clippy::excessive_precision)]
const TAIL: Ratio = Ratio {
    above: [
        1.423_437_110_749_683_577_34,
        4.630_337_846_156_545_295_90,
        5.769_497_221_460_691_405_50,
        3.647_848_324_763_204_605_04,
        1.270_458_252_452_368_382_58,
        2.417_807_251_774_506_117_70e-1,
        2.272_384_498_926_918_458_33e-2,
        7.745_450_142_783_414_076_40e-4,
    ],
    below: [
        1.0,
        2.053_191_626_637_758_821_87,
        1.676_384_830_183_803_849_40,
        6.897_673_349_851_000_045_50e-1,
        1.481_039_764_274_800_745_90e-1,
        1.519_866_656_361_645_719_66e-2,
        5.475_938_084_995_344_946_00e-4,
        1.050_750_071_644_416_843_24e-9,
    ],
};

#[allow(clippy::excessive_precision)]
const FAR_TAIL: Ratio = Ratio {
    above: [
        6.657_904_643_501_103_777_20,
        5.463_784_911_164_114_369_90,
        1.784_826_539_917_291_335_80,
        2.965_605_718_285_048_912_30e-1,
        2.653_218_952_657_612_309_30e-2,
        1.242_660_947_388_078_438_60e-3,
        2.711_555_568_743_487_578_15e-5,
        2.010_334_399_292_288_132_65e-7,
    ],
    below: [
        1.0,
        5.998_322_065_558_879_376_90e-1,
        1.369_298_809_227_358_053_10e-1,
        1.487_536_129_085_061_485_25e-2,
        7.868_691_311_456_132_591_00e-4,
        1.846_318_317_510_054_681_80e-5,
        1.421_511_758_316_445_888_70e-7,
        2.044_263_103_389_939_785_64e-15,
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    /// The values Wichura gives for checking PPND16, and the classic two-sided 5 %.
    #[test]
    fn published_quantiles_come_out() {
        for (p, expected) in [
            (0.25, -0.674_489_750_196_081_7),
            (0.001, -3.090_232_306_167_813_5),
            (1e-20, -9.262_340_089_798_408),
            (0.975, 1.959_963_984_540_054),
        ] {
            let got = quantile(p);
            assert!((got - expected).abs() < 1e-14, "p {p}: {got}");
        }
    }

    #[test]
    fn the_quantile_undoes_the_cumulative_probability() {
        for step in 1..20_000 {
            let p = f64::from(step) / 20_000.0;
            let back = cumulative(quantile(p));
            assert!((back - p).abs() < 1e-14, "p {p}: {back}");
        }
        for exponent in 4..16 {
            let p = libm::exp10(-f64::from(exponent));
            let back = cumulative(quantile(p));
            assert!((back / p - 1.0).abs() < 1e-12, "p {p}: {back}");
        }
    }
}

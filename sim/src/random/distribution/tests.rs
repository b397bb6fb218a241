use super::*;
use crate::random::{PathKey, Purpose, Seed, fate};

fn micros(micros: u64) -> Span {
    Span::from_micros(micros)
}

fn millis(millis: u64) -> Span {
    Span::from_millis(millis)
}

/// LNKD-SSD, the fit of Bailis et al. (*Probabilistically Bounded Staleness*, VLDB 2012, table 3) to LinkedIn's
/// Voldemort on solid-state disks.
fn lnkd_ssd() -> Distribution {
    let pareto = Distribution::pareto(micros(235), 10.0).unwrap();
    // The paper gives the exponential part by its rate, 1.66 a millisecond.
    let exponential = Distribution::exponential(Span::from_nanos(602_410)).unwrap();
    Distribution::mixture(vec![(9_122, pareto), (878, exponential)]).unwrap()
}

/// LNKD-DISK of the same table: the writes of the same store on spinning disks.
fn lnkd_disk() -> Distribution {
    let pareto = Distribution::pareto(micros(1_050), 1.51).unwrap();
    let exponential = Distribution::exponential(Span::from_nanos(5_464_481)).unwrap();
    Distribution::mixture(vec![(38, pareto), (62, exponential)]).unwrap()
}

fn one_of_each() -> Vec<Distribution> {
    vec![
        Distribution::fixed(millis(5)).unwrap(),
        Distribution::uniform(millis(1), millis(10)).unwrap(),
        Distribution::normal(millis(5), millis(1)).unwrap(),
        // A third of it would be below zero.
        Distribution::normal(millis(1), millis(2)).unwrap(),
        Distribution::log_normal(millis(5), 0.5).unwrap(),
        Distribution::exponential(millis(5))
            .unwrap()
            .plus(millis(2))
            .unwrap(),
        Distribution::pareto(millis(2), 3.0).unwrap(),
        lnkd_ssd(),
        lnkd_disk(),
    ]
}

/// Sorted samples of `distribution`, by draws as the network makes them.
fn samples(distribution: &Distribution, count: u64) -> Vec<Span> {
    let mut samples: Vec<Span> = (0..count)
        .map(|n| {
            let fate = fate(Seed(5), PathKey(n), 0, 0, Purpose::Message);
            distribution.sample(fate.delay(), fate.spare())
        })
        .collect();
    samples.sort_unstable();
    samples
}

/// The Dvoretzky–Kiefer–Wolfowitz inequality bounds how far the empirical distribution of n samples is from the true
/// one: more than ε with a chance of at most 2·exp(−2nε²). With n = 100,000 and ε = 0.012 that is 6 · 10⁻¹³.
#[test]
fn samples_follow_the_closed_form_of_their_distribution() {
    for distribution in one_of_each() {
        let samples = samples(&distribution, 100_000);
        for percent in [1, 5, 10, 25, 50, 75, 90, 95, 98] {
            let p = f64::from(percent) / 100.0;
            let at = distribution.quantile(p);
            let below = samples.partition_point(|&sample| sample < at) as f64 / 1e5;
            let up_to = samples.partition_point(|&sample| sample <= at) as f64 / 1e5;
            assert!(
                below <= p + 0.012,
                "{distribution}: {below} below {at}, not {p}"
            );
            assert!(
                up_to >= p - 0.012,
                "{distribution}: {up_to} up to {at}, not {p}"
            );
            let cumulative = distribution.cumulative(at);
            assert!(
                (cumulative - up_to).abs() < 0.012,
                "{distribution} at {at}: {cumulative}"
            );
        }
    }
}

/// The standard error of the mean is the deviation over the square root of the count; five of them are allowed.
#[test]
fn samples_have_the_mean_of_their_distribution() {
    // LNKD-DISK is left out: with a shape of 1.51 its variance is infinite but for the cut.
    for distribution in one_of_each().into_iter().filter(|d| *d != lnkd_disk()) {
        let samples: Vec<f64> = samples(&distribution, 100_000)
            .into_iter()
            .map(Span::as_millis_f64)
            .collect();
        let mean = samples.iter().sum::<f64>() / 1e5;
        let variance = samples.iter().map(|s| (s - mean) * (s - mean)).sum::<f64>() / 1e5;
        let bound = 5.0 * libm::sqrt(variance / 1e5) + 1e-6;
        let expected = distribution.mean().as_millis_f64();
        assert!(
            (mean - expected).abs() < bound,
            "{distribution}: {mean}, not {expected}"
        );
    }
}

/// The closed forms against numbers worked out from the published parameters: 0.9122 · 235 µs · 10/9 + 0.0878 / 1.66 ms
/// and 0.38 · 1.05 ms · 1.51/0.51 + 0.62 / 0.183 ms (less a little: the cut at an hour).
#[test]
fn the_published_fits_have_the_means_of_their_parameters() {
    assert_eq!(lnkd_ssd().mean(), Span::from_nanos(291_077));
    let disk = lnkd_disk().mean();
    assert!(disk > micros(4_568) && disk < micros(4_570), "{disk}");
}

#[test]
fn quantiles_are_those_of_the_textbook() {
    let exponential = Distribution::exponential(millis(1)).unwrap();
    assert_eq!(exponential.quantile(0.5), Span::from_nanos(693_147));
    assert_eq!(exponential.quantile(0.95), Span::from_nanos(2_995_732));
    let normal = Distribution::normal(millis(10), millis(1)).unwrap();
    assert_eq!(normal.quantile(0.5), millis(10));
    assert_eq!(normal.quantile(0.975), Span::from_nanos(11_959_964));
    let log_normal = Distribution::log_normal(millis(5), 1.0).unwrap();
    assert_eq!(log_normal.quantile(0.5), millis(5));
    assert_eq!(
        log_normal.quantile(0.841_344_746_068_543),
        Span::from_nanos(13_591_409)
    );
    let pareto = Distribution::pareto(millis(1), 2.0).unwrap();
    assert_eq!(pareto.quantile(0.75), millis(2));
    assert_eq!(pareto.quantile(0.99), millis(10));
    let uniform = Distribution::uniform(millis(1), millis(3)).unwrap();
    assert_eq!(uniform.quantile(0.5), millis(2));
    assert_eq!(
        (uniform.quantile(0.0), uniform.quantile(1.0)),
        (millis(1), millis(3))
    );
}

/// One seed, one trace, on every platform: these numbers must come out under every compiler and every target.
#[test]
fn samples_are_pinned() {
    let pinned: Vec<[u64; 3]> = one_of_each()
        .iter()
        .map(|distribution| {
            [0, 1, 2].map(|n| {
                let fate = fate(Seed(2017), PathKey(n), 1, 0, Purpose::Message);
                distribution.sample(fate.delay(), fate.spare()).as_nanos()
            })
        })
        .collect();
    assert_eq!(
        pinned,
        [
            [5_000_000, 5_000_000, 5_000_000],
            [5_022_548, 5_121_267, 9_901_002],
            [4_866_629, 4_894_321, 7_290_374],
            [733_257, 788_642, 5_580_748],
            [4_677_446, 4_742_661, 15_715_143],
            [4_961_533, 5_061_695, 24_549_378],
            [2_436_549, 2_452_873, 8_992_933],
            [249_340, 249_840, 368_918],
            [3_236_648, 3_346_115, 24_644_129]
        ]
    );
}

/// A digest over many samples, so that a difference in one rare last digit shows too.
#[test]
fn ten_thousand_samples_of_each_kind_are_pinned() {
    let mut digest = 0_u64;
    for distribution in one_of_each() {
        for sample in samples(&distribution, 10_000) {
            digest = digest.rotate_left(5).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ sample.as_nanos();
        }
    }
    assert_eq!(digest, 3_144_236_728_102_639_536);
}

#[test]
fn no_draw_leaves_the_range_of_a_distribution() {
    let extremes = [
        0,
        1,
        4_095,
        4_096,
        u64::MAX / 2,
        u64::MAX - 4_096,
        u64::MAX - 1,
        u64::MAX,
    ];
    for distribution in one_of_each() {
        let samples = extremes.map(|draw| distribution.sample(draw, 0));
        assert!(samples.is_sorted(), "{distribution}: {samples:?}");
        assert!(samples[7] <= Distribution::MAX);
    }
    let uniform = Distribution::uniform(millis(1), millis(3)).unwrap();
    assert_eq!(uniform.sample(0, 0), millis(1));
    assert_eq!(uniform.sample(u64::MAX, 0), millis(3));
    let cut = Distribution::normal(millis(1), millis(2)).unwrap();
    assert_eq!(cut.sample(0, 0), Span::ZERO);
    let wild = Distribution::pareto(millis(1), 0.001).unwrap();
    assert_eq!(wild.sample(u64::MAX / 2, 0), Distribution::MAX);
    assert_eq!(
        wild.plus(millis(1)).unwrap().sample(u64::MAX, 0),
        Distribution::MAX
    );
}

#[test]
fn a_tail_heavier_than_any_mean_has_one_after_the_cut() {
    // Shape 1: the minimum times one plus the logarithm of how often it goes into an hour.
    let pareto = Distribution::pareto(millis(1), 1.0).unwrap();
    let expected = 1.0 + libm::log(3_600_000.0);
    assert!((pareto.mean().as_millis_f64() - expected).abs() < 1e-5);
    let wide = Distribution::log_normal(millis(1), Distribution::SIGMA_MAX).unwrap();
    assert!(wide.mean() > millis(1) && wide.mean() < Distribution::MAX);
}

#[test]
fn impossible_parameters_are_refused_with_what_was_expected() {
    let hour_and_more = Span::from_secs(3_601);
    let nested = Distribution::mixture(vec![(1, lnkd_ssd())]);
    let refused: Vec<String> = [
        Distribution::fixed(hour_and_more),
        Distribution::uniform(millis(2), millis(1)),
        Distribution::uniform(millis(2), hour_and_more),
        Distribution::normal(millis(1), Span::ZERO),
        Distribution::log_normal(millis(1), f64::NAN),
        Distribution::log_normal(millis(1), 11.0),
        Distribution::exponential(Span::ZERO),
        Distribution::pareto(millis(1), -1.0),
        Distribution::mixture(Vec::new()),
        nested,
    ]
    .into_iter()
    .map(|result| result.unwrap_err().to_string())
    .collect();
    assert_eq!(
        refused,
        [
            "the span is 3601 s, expected at most 3600 s",
            "low is 2 ms, expected at most high, which is 1 ms",
            "high is 3601 s, expected at most 3600 s",
            "deviation is 0, expected more (what never varies is a fixed span)",
            "sigma is NaN, expected a number above 0 and at most 10",
            "sigma is 11, expected a number above 0 and at most 10",
            "mean is 0, expected more (what never varies is a fixed span)",
            "shape is -1, expected a number above 0 and at most 1000000",
            "the mixture has no part to choose, expected at least one with a weight above 0",
            "a part of the mixture is a mixture itself, expected its parts in its place",
        ]
    );
}

/// What a probe between two data centres might have measured.
fn measured() -> Distribution {
    let points = [
        (0, 1),
        (500_000, 2),
        (900_000, 2),
        (990_000, 40),
        (1_000_000, 200),
    ];
    let points = points.map(|(share, span)| (share, millis(span)));
    Distribution::table(points.to_vec()).unwrap()
}

#[test]
fn a_table_gives_the_quantiles_that_were_measured() {
    let table = measured();
    for (p, at) in [(0.5, 2), (0.9, 2), (0.99, 40)] {
        let near = table.quantile(p).as_millis_f64();
        assert!((near - f64::from(at)).abs() < 0.001, "{p}: {near}");
    }
    // Half way between two points in the shares is half way in the spans.
    assert_eq!(table.sample(u64::MAX / 4, 0), Span::from_nanos(1_499_999));
    assert_eq!(table.sample(0, 0), millis(1));
    assert!(table.sample(u64::MAX, 0) >= Span::from_nanos(199_999_000));
    // 0.5 · 1.5 + 0.4 · 2 + 0.09 · 21 + 0.01 · 120.
    assert!(
        (table.mean().as_millis_f64() - 4.64).abs() < 1e-6,
        "{}",
        table.mean()
    );
    assert_eq!(
        table.to_string(),
        "measured: 0 % 1 ms, 50 % 2 ms, 90 % 2 ms, 99 % 40 ms, 100 % 200 ms"
    );

    let samples = samples(&table, 100_000);
    for at in [1_200, 1_500, 2_000, 20_000, 100_000].map(micros) {
        let up_to = samples.partition_point(|&sample| sample <= at) as f64 / 1e5;
        let cumulative = table.cumulative(at);
        assert!(
            (cumulative - up_to).abs() < 0.012,
            "at {at}: {cumulative}, not {up_to}"
        );
    }
    let pinned = [3, 4, 5].map(|n| {
        let fate = fate(Seed(2017), PathKey(n), 1, 0, Purpose::Message);
        table.sample(fate.delay(), fate.spare()).as_nanos()
    });
    assert_eq!(pinned, [2_000_000, 1_905_479, 6_317_584]);
}

#[test]
fn points_that_make_no_table_are_refused() {
    let refuse = |points: &[(u32, u64)]| {
        let points = points.iter().map(|(share, span)| (*share, millis(*span)));
        Distribution::table(points.collect())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        [
            refuse(&[]),
            refuse(&[(0, 1), (999_999, 2)]),
            refuse(&[(0, 1), (500_000, 2), (500_000, 3), (1_000_000, 4)]),
            refuse(&[(0, 2), (1_000_000, 1)]),
            refuse(&[(0, 2), (1_000_000, 3_600_001)]),
        ],
        [
            "these points make no table: it must begin at 0 and end at 1,000,000 of a million",
            "these points make no table: it must begin at 0 and end at 1,000,000 of a million",
            "these points make no table: its shares must rise from point to point",
            "these points make no table: its spans must not fall from point to point",
            "the longest is 3600.001 s, expected at most 3600 s",
        ]
    );
}

#[test]
fn distributions_print_in_words() {
    let shown: Vec<String> = one_of_each().iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "always 5 ms",
            "uniform, 1 ms to 10 ms",
            "normal, mean 5 ms, deviation 1 ms",
            "normal, mean 1 ms, deviation 2 ms",
            "log-normal, median 5 ms, sigma 0.5",
            "exponential, mean 5 ms, plus 2 ms",
            "Pareto, minimum 2 ms, shape 3",
            "91.22 % (Pareto, minimum 235 µs, shape 10) + 8.78 % (exponential, mean 602.41 µs)",
            "38 % (Pareto, minimum 1.05 ms, shape 1.51) + 62 % (exponential, mean 5.464 ms)",
        ]
    );
}

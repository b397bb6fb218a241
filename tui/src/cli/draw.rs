//! `seedbed draw`: a space-time diagram of a run, or the timeline of its history, as SVG or PNG.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use anyhow::{Context, bail};
use seedbed_scenarios::draw::{self, Around, Frame, Theme};
use seedbed_scenarios::session::{self, Keep};
use seedbed_sim::{Instant, Seed};

use super::arguments::{DrawOptions, ImageFormat};
use super::exit::Exit;
use super::output::OutputFile;
use super::source::Source;
use crate::crash;

/// Does what the command line asks for.
pub(super) fn draw(argument: &str, seed: u64, options: &DrawOptions) -> anyhow::Result<Exit> {
    let format = options
        .format
        .unwrap_or_else(|| by_name(options.out.as_deref()));
    let out = options
        .out
        .as_ref()
        .map(|path| OutputFile::new(path, options.force))
        .transpose()?;
    if format == ImageFormat::Png && out.is_none() && io::stdout().is_terminal() {
        bail!("a PNG is nothing for a terminal; name a file with --out");
    }
    let theme = match (options.theme, format) {
        // A PNG can't ask its page what it looks like.
        (Theme::Auto, ImageFormat::Png) => Theme::Light,
        (theme, _) => theme,
    };
    let svg = match options.timeline {
        true => timeline(argument, seed, options.around, theme)?,
        false => diagram(argument, seed, options.frame(), theme)?,
    };
    let bytes = match format {
        ImageFormat::Svg => svg.into_bytes(),
        ImageFormat::Png => png(&svg)?,
    };
    match out {
        Some(file) => file.write(|w| w.write_all(&bytes))?,
        None => {
            let mut stdout = io::stdout().lock();
            stdout.write_all(&bytes)?;
            stdout.flush()?;
        }
    }
    Ok(Exit::Done)
}

/// What the name of a file says about its format.
fn by_name(path: Option<&Path>) -> ImageFormat {
    let ending = path.and_then(Path::extension);
    match ending.is_some_and(|ending| ending.eq_ignore_ascii_case("png")) {
        true => ImageFormat::Png,
        false => ImageFormat::Svg,
    }
}

/// A space-time diagram of scenario `argument` (a name from the catalog, or a file), as SVG.
///
/// # Errors
/// When there is no such scenario, its file is wrong, or the frame does not fit the run.
pub fn diagram(argument: &str, seed: u64, frame: Frame, theme: Theme) -> anyhow::Result<String> {
    let source = Source::find(argument)?;
    crash::watch(&source.name(), seed);
    let mut session = session::open(&source.name(), source.load()?, Seed(seed), Keep::Everything);
    session.run_to_end();
    Ok(draw::svg(session.as_ref(), frame, theme)?)
}

/// The timeline of the history of scenario `argument`, as SVG: around an anomaly, if there is one.
fn timeline(
    argument: &str,
    seed: u64,
    around: Option<Around>,
    theme: Theme,
) -> anyhow::Result<String> {
    let wanted = match around {
        None => None,
        Some(Around::Anomaly(number)) => Some(number),
        Some(Around::Fault(_)) => {
            bail!("a timeline is drawn around an anomaly, not around a fault")
        }
    };
    let source = Source::find(argument)?;
    crash::watch(&source.name(), seed);
    let mut session = session::open(&source.name(), source.load()?, Seed(seed), Keep::Digest);
    session.run_to_end();
    let title = format!("{}, seed {seed}", source.name());
    Ok(draw::timeline::of_run(
        session.as_ref(),
        &title,
        wanted,
        theme,
    )?)
}

impl DrawOptions {
    fn frame(&self) -> Frame {
        let instant = |span| Instant::ZERO + span;
        match (self.around, self.from, self.to) {
            (Some(around), _, _) => Frame::Around(around),
            (None, None, None) => Frame::Telling,
            (None, from, to) => Frame::Between {
                from: from.map(instant),
                to: to.map(instant),
            },
        }
    }
}

/// An SVG with its own colours as a PNG, in the font that comes with the program: the same bytes on every computer.
#[cfg(feature = "png")]
fn png(svg: &str) -> anyhow::Result<Vec<u8>> {
    use std::sync::Arc;

    use resvg::tiny_skia::{Pixmap, Transform};
    use resvg::usvg::{Options, Tree, fontdb};

    /// Pixels for a unit of the picture.
    const SCALE: f32 = 2.0;
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    fonts.load_font_data(dejavu::sans::bold().to_vec());
    let options = Options {
        fontdb: Arc::new(fonts),
        font_family: "DejaVu Sans".to_owned(),
        ..Options::default()
    };
    let tree = Tree::from_str(svg, &options).context("the diagram can't be rendered")?;
    let size = tree.size();
    let pixels = |length: f32| (length * SCALE).ceil() as u32;
    let mut pixmap = Pixmap::new(pixels(size.width()), pixels(size.height()))
        .context("the diagram is too large for a PNG")?;
    resvg::render(
        &tree,
        Transform::from_scale(SCALE, SCALE),
        &mut pixmap.as_mut(),
    );
    pixmap
        .encode_png()
        .context("the diagram can't be written as PNG")
}

#[cfg(not(feature = "png"))]
fn png(_: &str) -> anyhow::Result<Vec<u8>> {
    let built = anyhow::anyhow!("this program was built without the feature `png`");
    Err(built).context("no PNG can be drawn")
}

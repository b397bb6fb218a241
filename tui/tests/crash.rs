//! A bug of the program itself. Alone in its file, since it changes what panics print.

use std::process::ExitCode;

#[test]
fn a_panic_becomes_an_exit_status_of_its_own() {
    let exit = seedbed::crash::guard(|| panic!("a bug"));
    assert_eq!(format!("{exit:?}"), format!("{:?}", ExitCode::from(101)));
}

//! Finds which arms of reports use which runs.

use crate::{cli::Folders, failure::Outcome, reports::folder::places};
use harness_record::{rows::PlaceRow, table, vocabulary::Key};
use harness_report::inputs;
use std::collections::BTreeMap;

/// Arms of reports by the keys of the runs that they use.
pub(super) type Users = BTreeMap<Key, Vec<String>>;

/// Finds which arms of reports use which runs.
pub(super) fn users(folders: &Folders) -> Outcome<Users> {
    let mut users = Users::new();
    for place in places(&folders.reports) {
        for row in table::read_rows::<PlaceRow>(&place.folder.join("data").join(inputs::file::PLACES))? {
            let user = format!("{}/{} {}", place.profile, place.name, row.arm);
            let known = users.entry(row.run).or_default();
            if !known.contains(&user) {
                known.push(user);
            }
        }
    }
    Ok(users)
}

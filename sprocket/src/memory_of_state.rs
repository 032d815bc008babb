//! What this machine remembers of each state, in `.sprocket/STACK/ENVIRONMENT/last.json`: lineage and serial. With it an earlier
//! state that somebody has put back is noticed. It is a help, and no more: what can't be read or written is not remembered.

use std::fs;
use std::path::Path;

use sprocket_core::state::Freshness;

const FILE: &str = "last.json";

pub(crate) fn recall(folder: &Path) -> Option<Freshness> {
    serde_json::from_slice(&fs::read(folder.join(FILE)).ok()?).ok()
}

pub(crate) fn remember(folder: &Path, last: &Freshness) {
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        if let Some(ignored) = folder.parent().and_then(Path::parent).map(|top| top.join(".gitignore"))
            && !ignored.exists()
        {
            fs::write(ignored, "*\n")?;
        }
        let new = folder.join("last.json.new");
        fs::write(&new, serde_json::to_vec(last)?)?;
        fs::rename(new, folder.join(FILE))
    };
    let _ = write();
}

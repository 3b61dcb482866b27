//! An archive with its files unpacked: what compare, search and the viewer work on.

use std::collections::BTreeMap;

use super::{
    ArchiveError, Contents,
    contents::Body,
    folder::{Folder, Roots},
    zip::Zip,
};

/// Path in the integration -> bytes.
pub type Files = BTreeMap<String, Vec<u8>>;

/// An archive, read and unpacked.
#[derive(Debug, Clone)]
pub struct Opened {
    pub contents: Contents,
    /// A member's files by their path in it, in the order of [`Contents::integrations`].
    members: Vec<Files>,
    /// What belongs to no member.
    own: Files,
}

static NO_FILES: Files = BTreeMap::new();

impl Opened {
    /// # Errors
    /// As [`Contents::read`].
    pub fn read(bytes: &[u8], name: Option<&str>) -> Result<Self, ArchiveError> {
        let contents = Contents::read(bytes, name)?;
        let mut this = Self { members: Vec::new(), own: Files::new(), contents };
        let Ok(mut zip) = Zip::open(bytes) else {
            this.own.insert(this.contents.file_name(), bytes.to_vec());
            return Ok(this);
        };
        match &this.contents.body {
            Body::Integration(_) => {
                let roots = Roots::of_export(&zip);
                this.members = roots.iter().map(|r| files_of(&mut zip, r)).collect();
            }
            Body::Package(package) => {
                this.members = package.integrations.iter().map(|it| inner_files(&mut zip, &it.place)).collect();
                this.own = loose(&mut zip, &|n| !n.ends_with(".iar"));
            }
            Body::Project(project) => {
                let place = |place: &str| Roots::of_member_alone(place);
                this.members = project.integrations.iter().map(|it| files_of(&mut zip, &place(&it.place))).collect();
                this.own = loose(&mut zip, &|n| !n.starts_with("project/integrations/"));
            }
            Body::Lookup(_) | Body::Library(_) => this.own = loose(&mut zip, &|_| true),
        }
        Ok(this)
    }

    /// The files of one integration; none where there is no such member.
    pub fn member_files(&self, member: usize) -> &Files {
        self.members.get(member).unwrap_or(&NO_FILES)
    }

    /// What belongs to no integration.
    pub fn own_files(&self) -> &Files {
        &self.own
    }

    /// Every file by the path that a person is shown: an integration's own path in an `.iar`, with the
    /// member's id before it in a package or project.
    pub fn all_files(&self) -> impl Iterator<Item = (String, &[u8])> {
        let single = matches!(self.contents.body, Body::Integration(_));
        let members = self.contents.integrations().iter().zip(&self.members);
        let inner = members.flat_map(move |(it, files)| {
            let prefix = if single { String::new() } else { format!("{}/", it.id) };
            files.iter().map(move |(path, bytes)| (format!("{prefix}{path}"), bytes.as_slice()))
        });
        inner.chain(self.own.iter().map(|(path, bytes)| (path.clone(), bytes.as_slice())))
    }

    /// A file by the path of [`Opened::all_files`].
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        if matches!(self.contents.body, Body::Integration(_)) {
            return self.member_files(0).get(path).map(Vec::as_slice);
        }
        self.own.get(path).map(Vec::as_slice).or_else(|| {
            self.contents.integrations().iter().zip(&self.members).find_map(|(it, files)| {
                let inner = path.strip_prefix(&it.id.to_string())?.strip_prefix('/')?;
                files.get(inner).map(Vec::as_slice)
            })
        })
    }
}

fn files_of(zip: &mut Zip<'_>, roots: &Roots) -> Files {
    let mut folder = Folder::new(zip, roots);
    let paths = folder.paths();
    paths.into_iter().filter_map(|p| Some((folder.get(&p)?.to_vec(), p))).map(|(b, p)| (p, b)).collect()
}

fn inner_files(zip: &mut Zip<'_>, name: &str) -> Files {
    let Ok(bytes) = zip.read(name) else { return Files::new() };
    let Ok(mut inner) = Zip::open(&bytes) else { return Files::new() };
    Roots::of_export(&inner).map(|roots| files_of(&mut inner, &roots)).unwrap_or_default()
}

fn loose(zip: &mut Zip<'_>, wanted: &dyn Fn(&str) -> bool) -> Files {
    let names: Vec<String> = zip.names().filter(|n| wanted(n)).map(str::to_owned).collect();
    names.into_iter().filter_map(|n| Some((zip.read(&n).ok()?, n))).map(|(b, n)| (n, b)).collect()
}

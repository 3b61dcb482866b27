//! A lookup: a table that maps values (`dvm`), as the service's CSV or as the XML that travels
//! along.

use super::{ArchiveError, fingerprint, xml};
use crate::model::{Finding, Fingerprint, visible};

/// More cells than any person keeps by hand.
pub(super) const MAX_CELLS: usize = 2_000_000;

/// A lookup's table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lookup {
    pub name: String,
    pub description: String,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// What could not be read as it should.
    pub findings: Vec<Finding>,
}

impl Lookup {
    /// Reads the service's CSV: `DVM,name,description`, then the columns, then the rows.
    ///
    /// # Errors
    /// Where the text does not begin as such a CSV.
    pub fn from_csv(bytes: &[u8]) -> Result<Self, ArchiveError> {
        let mut this = Self::default();
        let text = String::from_utf8_lossy(bytes);
        if let Err(e) = std::str::from_utf8(bytes) {
            let what = format!("the lookup is not UTF-8 from byte {}", e.valid_up_to());
            this.findings
                .push(Finding::warning(what, "its text is shown with � where it cannot be read"));
        }
        let mut records = records(text.trim_start_matches('\u{feff}'));
        let head = records.next().unwrap_or_default();
        if head.first().map(String::as_str) != Some("DVM") {
            return Err(ArchiveError::NotALookup);
        }
        let mut head = head.into_iter().skip(1);
        this.name = head.next().unwrap_or_default();
        this.description = head.collect::<Vec<_>>().join(",");
        this.columns = records.next().unwrap_or_default();
        let mut cells = 0;
        for row in records.filter(|row| row.iter().any(|cell| !cell.is_empty())) {
            cells += row.len();
            if cells > MAX_CELLS {
                return Err(ArchiveError::TooManyCells);
            }
            this.rows.push(row);
        }
        this.check();
        Ok(this)
    }

    /// Reads a `.dvm`.
    ///
    /// # Errors
    /// Where it is no such XML.
    pub fn from_dvm(bytes: &[u8]) -> Result<Self, ArchiveError> {
        let broken = |why: &str| ArchiveError::BrokenDvm(why.to_owned());
        let doc = xml::parse(bytes).ok_or_else(|| broken("is not well-formed XML"))?;
        let root = doc.root_element();
        if root.tag_name().name() != "dvm" {
            return Err(broken(&format!("begins with <{}>", visible(root.tag_name().name()))));
        }
        let text_of = |node: roxmltree::Node<'_, '_>| node.text().unwrap_or_default().to_owned();
        let mut this =
            Self { name: root.attribute("name").unwrap_or_default().into(), ..Self::default() };
        for node in root.descendants() {
            match node.tag_name().name() {
                "description" => this.description = text_of(node).trim().to_owned(),
                "column" => this.columns.push(node.attribute("name").unwrap_or_default().into()),
                "row" => {
                    let cells = node.children().filter(|c| c.tag_name().name() == "cell");
                    this.rows.push(cells.map(text_of).collect());
                }
                _ => {}
            }
        }
        this.check();
        Ok(this)
    }

    /// The service's CSV of it.
    pub fn to_csv(&self) -> Vec<u8> {
        let head = ["DVM".to_owned(), self.name.clone(), self.description.clone()];
        let mut out = csv::WriterBuilder::new()
            .has_headers(false)
            .flexible(true)
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::new());
        let rows = self.rows.iter().map(Vec::as_slice);
        for cells in [head.as_slice(), self.columns.as_slice()].into_iter().chain(rows) {
            // Writing to memory cannot fail.
            out.write_record(cells).unwrap_or_default();
        }
        out.into_inner().unwrap_or_default()
    }

    fn check(&mut self) {
        let width = self.columns.len();
        if let Some(at) = self.rows.iter().position(|row| row.len() != width) {
            let what = format!(
                "row {} of the lookup has {} cells, not {width}",
                at + 1,
                self.rows[at].len()
            );
            self.findings.push(Finding::warning(what, "look at the row in the console"));
        }
    }

    /// One text for all that carries meaning, the same for CSV and XML.
    pub fn canonical(&self) -> String {
        // A cell that the service accepts holds neither of these two control characters.
        let line = |cells: &[String]| cells.join("\u{1f}");
        let mut lines = vec![self.name.clone(), self.description.clone(), line(&self.columns)];
        lines.extend(self.rows.iter().map(|row| line(row)));
        lines.join("\u{1e}")
    }

    /// The fingerprint of all that carries meaning.
    pub fn fingerprint(&self) -> Fingerprint {
        fingerprint::of_text("lookup", &self.canonical())
    }
}

/// Records of a CSV (RFC 4180), each with as many cells as it has: quoted cells may hold commas,
/// quotes and line ends.
fn records(text: &str) -> impl Iterator<Item = Vec<String>> {
    let reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    // No record can fail: the text is in memory, and rows may be of any length.
    let records = reader.into_records().map_while(Result::ok);
    records.map(|record| record.iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_csv_is_read_with_its_mark_quotes_and_line_ends() {
        let text = "\u{feff}DVM,COUNTRY,Codes, by ISO\r\nfrom,to\r\n\"a, b\",\"say \
            \"\"x\"\"\"\r\n\r\nc,\"two\nlines\"\r\n";
        let read = Lookup::from_csv(text.as_bytes()).unwrap();
        assert_eq!((read.name.as_str(), read.description.as_str()), ("COUNTRY", "Codes, by ISO"));
        assert_eq!(read.columns, ["from", "to"]);
        assert_eq!(read.rows, [["a, b", "say \"x\""], ["c", "two\nlines"]]);
        assert!(read.findings.is_empty());
    }

    #[test]
    fn csv_and_dvm_of_one_lookup_mean_the_same() {
        let csv = Lookup::from_csv(b"DVM,L,\na,b\n1,2\n").unwrap();
        let dvm = Lookup::from_dvm(
            b"<d:dvm xmlns:d='http://xmlns.oracle.com/dvm' \
            name='L'><d:columns><d:column name='a'/><d:column \
            name='b'/></d:columns><d:rows><d:row><d:cell>1</d:cell><d:cell>2</d:cell>\
            </d:row></d:rows></d:dvm>",
        )
        .unwrap();
        assert_eq!(csv.fingerprint(), dvm.fingerprint());
        let other = Lookup::from_csv(b"DVM,L,\na,b\n1,3\n").unwrap();
        assert_ne!(csv.fingerprint(), other.fingerprint());
    }

    #[test]
    fn what_is_no_lookup_and_what_is_a_crooked_one_is_said() {
        assert!(Lookup::from_csv(b"id,name\n1,2").unwrap_err().to_string().contains("DVM,<name>"));
        assert!(Lookup::from_dvm(b"<x/>").unwrap_err().to_string().contains("<x>"));
        let crooked = Lookup::from_csv(b"DVM,L,\na,b\n1\n").unwrap();
        assert!(crooked.findings[0].what.contains("row 1"), "{:?}", crooked.findings);
        let bytes = Lookup::from_csv(b"DVM,L,\na\n\xff\n").unwrap();
        assert!(bytes.findings[0].what.contains("not UTF-8"));
    }
}

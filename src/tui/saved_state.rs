//! What is remembered between starts: selection, filter, sort, columns, theme.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    app::{App, Environment},
    screen::matrix::{MatrixColumn, SortOrder},
    theme::ThemeName,
};
use crate::files::write_json;
use crate::model::{ArtifactName, EnvironmentIndex, Kind, Scope};

/// The scope that is shown alone; the global space is `null` in it.
#[derive(Debug, Serialize, Deserialize)]
struct SavedScope {
    only: Scope,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SavedState {
    filter: String,
    order: SortOrder,
    kind: Option<Kind>,
    all_kinds: bool,
    row: Option<ArtifactName>,
    column: Option<String>,
    base: Option<String>,
    only_differences: bool,
    only_failing: bool,
    grouped: bool,
    /// The one scope that is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<SavedScope>,
    theme: Option<String>,
}

impl SavedState {
    /// Reads what was kept; gives an empty memory where the file is missing or cannot be read.
    pub fn load(path: &Path) -> Self {
        std::fs::read(path)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    /// What the next start shall remember of the explorer.
    pub fn of(app: &App) -> Self {
        let name = |e: EnvironmentIndex| app.environments.get(e.0).map(|e| e.name.to_string());
        let table = &app.table;
        Self {
            filter: table.filter.text().to_owned(),
            order: table.order,
            kind: table.kind,
            all_kinds: table.kind.is_none(),
            row: table.row().map(|r| r.artifact.clone()),
            column: table.column.environment().and_then(name),
            base: name(table.base),
            only_differences: table.only_differences,
            only_failing: table.only_failing,
            grouped: table.grouped,
            scope: table.scope.clone().map(|only| SavedScope { only }),
            theme: Some(app.theme_name.label().to_owned()),
        }
    }

    /// Writes it to a file; a failure is only logged.
    pub fn save(&self, path: &Path) {
        if let Err(e) = write_json(path, self) {
            tracing::warn!("the selection is not remembered at {}: {e}", path.display());
        }
    }

    /// Brings a fresh explorer to where the last one was left.
    pub fn apply(self, app: &mut App) {
        let index = |name: &Option<String>| {
            let named = |c: &Environment| Some(c.name.as_str()) == name.as_deref();
            app.environments.iter().position(named).map(EnvironmentIndex)
        };
        let (column, base) = (index(&self.column), index(&self.base));
        let table = &mut app.table;
        table.filter.set(&self.filter);
        table.order = self.order;
        table.kind = if self.all_kinds { None } else { self.kind.or(Some(Kind::Integration)) };
        table.scope = self.scope.map(|s| s.only);
        table.only_differences = self.only_differences;
        table.only_failing = self.only_failing;
        table.grouped = self.grouped;
        table.wanted = self.row;
        table.column = column.map_or(table.column, MatrixColumn::Environment);
        table.base = base.unwrap_or(table.base);
        if let Some(theme) = self.theme {
            app.set_theme(ThemeName::of(&theme));
        }
    }
}

//! The form lies over a plan; Enter makes the plan anew with its values.

use secrecy::SecretString;

use super::ConnectionFormScreen;
use crate::model::ConnectionName;
use crate::oic::{ConnectionField, ConnectionSettings};
use crate::tui::{
    app::App,
    event::{Effect, Planned, RestoreEffect},
    failure::Failure,
    keymap::Action,
    navigate,
    screen::{ScreenId, Transition, move_cursor},
    widgets::text_field::TextField,
};

/// Longest value that is typed or pasted, in characters: keys are long.
const LONGEST: usize = 4_000;

impl ConnectionFormScreen {
    /// A form for the values that a plan lacks; which there are is not known yet.
    pub fn new(id: ScreenId, planned: &Planned, name: ConnectionName) -> Self {
        Self {
            id,
            environment: planned.environment,
            name,
            fields: vec![],
            cursor: 0,
            keeps_secrets: false,
            refused: None,
            title: planned.title.clone(),
            question: planned.question.clone(),
            options: planned.options.clone(),
        }
    }

    /// Takes in what can be set on the connection, or shows why that is not known.
    pub fn take_fields(&mut self, result: Result<Vec<ConnectionField>, Failure>) {
        let field_of = |f: ConnectionField| {
            let empty = if f.secret { TextField::secret(LONGEST) } else { TextField::new(LONGEST) };
            let value = empty.with_text(&f.value);
            (f, value)
        };
        match result {
            Ok(fields) => self.fields = fields.into_iter().map(field_of).collect(),
            Err(why) => self.refused = Some(why.to_string()),
        }
    }

    /// The values that were typed, secrets apart from properties; empty lines are left out.
    fn settings(&self) -> ConnectionSettings {
        let mut settings = ConnectionSettings::default();
        for (field, value) in self.fields.iter().filter(|(_, v)| !v.is_empty()) {
            let (name, value) = (field.name.clone(), value.text());
            if field.secret {
                settings.security.insert(name, SecretString::from(value));
            } else {
                settings.properties.insert(name, value.to_owned());
            }
        }
        settings
    }
}

/// Answers a key: takes the values, goes to another line, or chooses whether secrets are kept.
pub fn on_action(app: &mut App, form: &mut ConnectionFormScreen, action: Action) -> Transition {
    match action {
        Action::Confirm => return confirm(app, form),
        Action::NextTab => move_cursor(&mut form.cursor, 1, form.fields.len()),
        Action::PreviousTab => move_cursor(&mut form.cursor, -1, form.fields.len()),
        Action::KeepSecret if crate::config::has_keyring() => {
            form.keeps_secrets = !form.keeps_secrets;
        }
        Action::KeepSecret => {
            let why = "this build has no keyring: build with --features keyring";
            form.refused = Some(why.into());
        }
        _ => return Transition::pass(),
    }
    Transition::stay()
}

/// Makes the plan anew with the values.
fn confirm(app: &mut App, form: &mut ConnectionFormScreen) -> Transition {
    let settings = form.settings();
    if settings.is_empty() {
        form.refused = Some("nothing is given yet".into());
        return Transition::stay();
    }
    let keep = form.keeps_secrets.then(|| {
        Effect::Restore(RestoreEffect::KeepSecrets {
            environment: app.environments[form.environment].name.clone(),
            name: form.name.clone(),
            secrets: settings.security.clone(),
        })
    });
    let mut options = form.options.clone();
    options.connection_values.insert(form.name.clone(), settings);
    let (title, question) = (form.title.clone(), form.question.clone());
    navigate::plan_instead(app, form.environment, title, question, options).with(keep)
}

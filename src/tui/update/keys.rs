//! Keys and pasted text.

use super::{
    super::{
        app::App,
        event::Effect,
        keymap::{Action, Context, Key},
        layer::Layer,
        palette::{Palette, PaletteCommand},
    },
    backup_all, export, pages, refresh, restore, runs, triage, watch,
};
use crate::model::{Kind, Level};

const PAGE: isize = 10;

pub fn pressed(app: &mut App, key: Key) -> Vec<Effect> {
    let context = app.layer.context();
    app.message = None;
    match (app.keymap.action(context, key), key.character()) {
        (Some(action), _) => act(app, action),
        (None, Some(c)) if context.takes_text() => type_text(app, &c.to_string()),
        // Answers to the one question there is.
        (None, Some('y')) if matches!(app.layer, Layer::QuitQuestion) => {
            app.quit = true;
            vec![]
        }
        _ => vec![],
    }
}

/// Pasted text goes where text is typed, and to the filter from the matrix.
pub fn pasted(app: &mut App, text: &str) -> Vec<Effect> {
    if matches!(app.layer, Layer::None) {
        app.layer = Layer::Find;
    }
    // A megabyte by accident is cut before anything looks at it.
    let end = text.char_indices().nth(200).map_or(text.len(), |(i, _)| i);
    type_text(app, &text[..end])
}

fn type_text(app: &mut App, text: &str) -> Vec<Effect> {
    match &mut app.layer {
        Layer::Find => return app.table.type_text(text).into_iter().collect(),
        Layer::Palette(palette) => {
            palette.typed.extend(text.chars().filter(|c| !c.is_control()));
            palette.rank();
        }
        Layer::Page(page) if page.typing => {
            page.find.extend(text.chars().filter(|c| !c.is_control()).take(200));
        }
        Layer::Plan(view) => {
            view.typed.extend(text.chars().filter(|c| !c.is_control()).take(64));
            view.refused = None;
        }
        Layer::Recover(view) => {
            view.typed.extend(text.chars().filter(|c| !c.is_control()).take(64));
            view.refused = None;
        }
        Layer::Reopen(view) => {
            view.typed.extend(text.chars().filter(|c| !c.is_control()).take(64));
            view.refused = None;
        }
        Layer::Form(form) => {
            if let Some((_, value)) = form.fields.get_mut(form.cursor) {
                value.extend(text.chars().filter(|c| !c.is_control()).take(4000));
            }
            form.refused = None;
        }
        _ => {}
    }
    vec![]
}

/// Does what an action says, wherever we are.
pub fn act(app: &mut App, action: Action) -> Vec<Effect> {
    if let Some(effects) = pages::act(app, action) {
        return effects;
    }
    match action {
        Action::Help => {
            let context = app.layer.context();
            app.open(Layer::Help { context, scroll: 0 });
        }
        Action::Palette => {
            let names: Vec<_> = app.columns.iter().map(|c| c.name.clone()).collect();
            app.open(Layer::Palette(Palette::new(&app.keymap, &names)));
        }
        Action::Back => back(app),
        Action::Quit => quit(app),
        Action::Suspend => return vec![Effect::Suspend],
        Action::Jobs => app.open(Layer::Jobs { cursor: app.jobs.all.len().saturating_sub(1) }),
        Action::Log => app.open(Layer::Log { scroll: 0 }),
        Action::Confirm => return confirm(app),
        Action::Cancel => cancel(app),
        Action::Hold => hold(app),
        Action::Fix => return restore::fix(app),
        Action::KeepSecret => restore::keep_secret(app),
        Action::Undo => return runs::undo(app),
        Action::GoOn => return runs::go_on(app),
        Action::LeaveRun => return runs::leave(app),
        Action::Checklist => watch::checklist(app),
        Action::Runs => return vec![Effect::FindRuns { open_only: false }],
        Action::Write if matches!(app.layer, Layer::Run { .. } | Layer::Checklist { .. }) => {
            return watch::note(app);
        }
        Action::NextTab if matches!(app.layer, Layer::Form(_)) => move_by(app, 1),
        Action::PreviousTab if matches!(app.layer, Layer::Form(_)) => move_by(app, -1),
        Action::Erase | Action::EraseWord | Action::EraseAll => return erase(app, action),
        Action::Up => move_by(app, -1),
        Action::Down => move_by(app, 1),
        Action::PageUp => move_by(app, -page(app)),
        Action::PageDown => move_by(app, page(app)),
        Action::Top => move_by(app, isize::MIN / 2),
        Action::Bottom => move_by(app, isize::MAX / 2),
        _ => return on_matrix(app, action),
    }
    // Another change under the cursor has another text.
    if matches!(&app.layer, Layer::Page(_)) { pages::want_text(app) } else { vec![] }
}

/// Actions that mean the rows.
fn on_matrix(app: &mut App, action: Action) -> Vec<Effect> {
    let table = &mut app.table;
    let stops = table.columns() + 1;
    match action {
        Action::Find => app.layer = Layer::Find,
        Action::NextColumn => table.column = (table.column + 1) % stops,
        Action::Right => table.column = (table.column + 1).min(stops - 1),
        Action::Left => table.column = table.column.saturating_sub(1),
        Action::Mark => {
            table.toggle_mark();
            table.move_by(1);
        }
        Action::MarkAll => {
            let keys: Vec<_> = table
                .shown
                .iter()
                .map(|p| (table.matrix.rows[*p].kind, table.matrix.rows[*p].code.clone()))
                .collect();
            table.marks.extend(keys);
        }
        Action::UnmarkAll => table.marks.clear(),
        Action::OnlyDifferences => {
            table.only_differences = !table.only_differences;
            table.show();
        }
        Action::OnlyFailing => {
            table.only_failing = !table.only_failing;
            table.show();
        }
        Action::Sort => {
            table.order = table.order.next();
            table.show();
        }
        Action::Kind => app.table.set_kind(next_kind(app.table.kind)),
        Action::Base => {
            if table.on_store() {
                app.say(
                    Level::Warning,
                    "the store is no base; go to an environment's column first",
                );
                return vec![];
            }
            table.base = table.column;
            return app.rebuild();
        }
        Action::Refresh => return refresh(app),
        Action::Export => return export(app),
        Action::Backup => return backup_all(app, app.target()),
        Action::Restore => return restore::choose(app),
        Action::Inspect => return pages::inspect_cursor(app),
        Action::Compare => return pages::compare_cursor(app),
        Action::Timeline => return pages::timeline(app),
        Action::Promote => return restore::promote(app),
        Action::Drift => app.layer = Layer::Drift { cursor: app.target() },
        Action::SearchInside => return pages::search_inside(app),
        other => {
            if let Some(column) = other.column().filter(|c| *c < stops) {
                table.column = column;
            }
        }
    }
    vec![]
}

fn next_kind(kind: Option<Kind>) -> Option<Kind> {
    let place = kind.and_then(|k| Kind::ALL.iter().position(|other| *other == k));
    match (kind, place) {
        (None, _) => Some(Kind::ALL[0]),
        (Some(_), Some(p)) => Kind::ALL.get(p + 1).copied(),
        (Some(_), None) => None,
    }
}

/// One step back, never out of the program.
fn back(app: &mut App) {
    match std::mem::take(&mut app.layer) {
        Layer::None => {
            let table = &mut app.table;
            if !table.filter.is_empty() {
                table.wanted = table.row().map(|r| r.code.clone());
                table.set_filter(String::new());
            } else if !table.marks.is_empty() {
                table.marks.clear();
            } else if table.only_differences || table.only_failing {
                (table.only_differences, table.only_failing) = (false, false);
                table.show();
            }
        }
        Layer::Find => {
            app.table.wanted = app.table.row().map(|r| r.code.clone());
            app.table.set_filter(String::new());
        }
        Layer::Page(page) => app.layer = pages::back(page),
        Layer::Plan(_) | Layer::Reopen(_) | Layer::Recover(_) => {
            app.say(Level::Fact, "nothing was changed")
        }
        Layer::Form(form) => app.layer = Layer::Plan(form.plan),
        Layer::Checklist { job } => app.layer = Layer::Run { job, scroll: 0 },
        Layer::Runs(view) if view.unasked => {
            app.say(Level::Warning, "nothing was changed; o shows what waits")
        }
        Layer::Run { job, .. } if app.jobs.get(job).is_some_and(|j| j.finished.is_none()) => {
            app.say(Level::Fact, "the restore goes on; j shows it");
        }
        _ => {}
    }
    app.resume();
}

fn quit(app: &mut App) {
    match app.jobs.changing() {
        Some(_) if !matches!(app.layer, Layer::QuitQuestion) => app.layer = Layer::QuitQuestion,
        _ => app.quit = true,
    }
}

fn confirm(app: &mut App) -> Vec<Effect> {
    match std::mem::take(&mut app.layer) {
        Layer::Versions(versions) => restore::take_version(app, versions),
        Layer::Plan(view) => restore::confirm(app, view),
        Layer::Reopen(view) => runs::confirm(app, view),
        Layer::Recover(view) => triage::confirm(app, view),
        Layer::Drift { cursor } => triage::go_to_column(app, cursor),
        Layer::Form(form) => restore::take_form(app, form),
        Layer::Runs(view) => runs::look(app, view),
        Layer::Palette(palette) => {
            let command = palette.chosen().map(|e| e.command.clone());
            app.resume();
            command.map(|c| run_command(app, c)).unwrap_or_default()
        }
        Layer::Jobs { cursor } => {
            match app.jobs.get(cursor) {
                Some(job) if job.restore.is_some() => {
                    app.layer = Layer::Run { job: cursor, scroll: 0 }
                }
                _ => app.layer = Layer::Jobs { cursor },
            }
            vec![]
        }
        _ => vec![],
    }
}

fn run_command(app: &mut App, command: PaletteCommand) -> Vec<Effect> {
    match command {
        PaletteCommand::Action(action) => return act(app, action),
        PaletteCommand::Kind(kind) => app.table.set_kind(kind),
        PaletteCommand::Column(column) => app.table.column = column,
        PaletteCommand::Backup(column) => return backup_all(app, column),
        PaletteCommand::Theme(name) => app.set_theme(name),
    }
    vec![]
}

fn cancel(app: &mut App) {
    let job = match &app.layer {
        Layer::Jobs { cursor } => *cursor,
        Layer::Run { job, .. } => *job,
        _ => return,
    };
    if let Some(job) = app.jobs.get(job).filter(|j| j.finished.is_none()) {
        job.stop.undo();
        let text = if job.changes.is_some() {
            "stopping at the next safe point; what was there is put back"
        } else {
            "stopping; what was taken is kept"
        };
        app.say(Level::Warning, text);
    }
}

fn hold(app: &mut App) {
    let Layer::Run { job, .. } = &app.layer else { return };
    if let Some(job) = app.jobs.get(*job).filter(|j| j.finished.is_none()) {
        job.stop.hold();
        app.say(Level::Warning, "holding at the next safe point; o goes on or undoes it");
    }
}

fn erase(app: &mut App, action: Action) -> Vec<Effect> {
    let shorten = |text: &mut String| match action {
        Action::EraseAll => text.clear(),
        Action::EraseWord => {
            let end = text.trim_end().rfind([' ', '_']).unwrap_or(0);
            text.truncate(end);
        }
        _ => {
            text.pop();
        }
    };
    match &mut app.layer {
        Layer::Find => {
            shorten(&mut app.table.filter);
            return app.table.rank().into_iter().collect();
        }
        Layer::Palette(palette) => {
            shorten(&mut palette.typed);
            palette.rank();
        }
        Layer::Plan(view) => shorten(&mut view.typed),
        Layer::Reopen(view) => shorten(&mut view.typed),
        Layer::Recover(view) => shorten(&mut view.typed),
        Layer::Form(form) => {
            if let Some((_, value)) = form.fields.get_mut(form.cursor) {
                shorten(value);
            }
        }
        Layer::Page(page) => shorten(&mut page.find),
        _ => {}
    }
    vec![]
}

fn page(app: &App) -> isize {
    match app.layer.context() {
        Context::Explorer | Context::Find => {
            isize::try_from(app.hits.rows.height).unwrap_or(PAGE).max(1)
        }
        Context::Viewer | Context::Compare | Context::Inspector | Context::Found => {
            let height = app.hits.list.map_or(0, |(area, _)| area.height);
            isize::try_from(height).unwrap_or(PAGE).max(PAGE)
        }
        _ => PAGE,
    }
}

/// Moves in whatever list is on top.
pub fn move_by(app: &mut App, rows: isize) {
    let step =
        |place: usize, count: usize| place.saturating_add_signed(rows).min(count.saturating_sub(1));
    match &mut app.layer {
        Layer::None | Layer::Find => app.table.move_by(rows),
        Layer::Versions(v) => v.cursor = step(v.cursor, v.rows.len()),
        Layer::Palette(p) => p.cursor = step(p.cursor, p.shown.len()),
        Layer::Jobs { cursor } => *cursor = step(*cursor, app.jobs.all.len()),
        // The view clips these to what there is.
        Layer::Help { scroll, .. } | Layer::Run { scroll, .. } => {
            *scroll = scroll.saturating_add_signed(rows).min(500)
        }
        Layer::Plan(view) => view.scroll = view.scroll.saturating_add_signed(rows).min(500),
        Layer::Runs(view) => view.cursor = step(view.cursor, view.rows.len()),
        Layer::Drift { cursor } => *cursor = step(*cursor, app.columns.len()),
        Layer::Form(form) => form.cursor = step(form.cursor, form.fields.len()),
        // The log is read from its end.
        Layer::Log { scroll } => {
            *scroll = scroll.saturating_add_signed(rows.saturating_neg()).min(5_000)
        }
        Layer::Page(page) => pages::move_by(page, rows),
        Layer::Planning { .. }
        | Layer::Opening { .. }
        | Layer::QuitQuestion
        | Layer::Reopen(_)
        | Layer::Recover(_)
        | Layer::Checklist { .. } => {}
    }
}

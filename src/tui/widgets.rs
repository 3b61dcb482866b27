//! Drawing that screens share. Nothing here knows a screen.

pub mod ascii;
pub mod consent;
pub mod failure_chart;
pub mod finder;
pub mod footer;
pub mod frame;
pub mod header;
pub mod key_line;
pub mod list;
pub mod scrollbar;
pub mod text;
pub mod text_field;
pub mod toast;
pub mod tree;

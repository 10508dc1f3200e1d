//! Columns of text of which many rows wait: words that repeat are kept once.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringBuilder, StringDictionaryBuilder};
use arrow::datatypes::Int32Type;

use super::text;

/// How often the texts of a column repeat.
#[derive(Debug, Clone, Copy)]
pub(super) enum Texts {
    /// Hardly: each row has its own.
    Unique,
    /// As names of things do: a row is a number of four bytes.
    Words,
}

/// A column of text that is closed now and then, so that what grows is not copied.
pub(super) enum TextColumn {
    Unique(StringBuilder),
    Words(StringDictionaryBuilder<Int32Type>),
}

/// The rows of a column that were added since it was closed last.
#[derive(Debug)]
pub(super) enum Closed {
    Array(ArrayRef),
    /// Its words are those of all rows: see [`TextColumn::words`].
    Words,
}

impl fmt::Debug for TextColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unique(_) => "Unique",
            Self::Words(_) => "Words",
        })
    }
}

impl Closed {
    /// How many rows, if it says.
    pub fn rows(&self) -> Option<usize> {
        match self {
            Self::Array(array) => Some(array.len()),
            Self::Words => None,
        }
    }
}

impl TextColumn {
    pub fn new(texts: Texts) -> Self {
        match texts {
            Texts::Unique => Self::Unique(text()),
            Texts::Words => Self::Words(StringDictionaryBuilder::with_capacity(0, 0, 0)),
        }
    }

    pub fn append(&mut self, text: Option<&str>) {
        match self {
            Self::Unique(column) => column.append_option(text),
            Self::Words(column) => column.append_option(text),
        }
    }

    pub fn close(&mut self) -> Closed {
        match self {
            Self::Unique(column) => Closed::from(column.finish()),
            Self::Words(_) => Closed::Words,
        }
    }

    /// All rows, if it is one of words.
    pub fn words(&mut self) -> Option<ArrayRef> {
        match self {
            Self::Unique(_) => None,
            Self::Words(column) => Some(Arc::new(column.finish())),
        }
    }
}

/// Some columns of text that follow each other.
#[derive(Debug)]
pub(super) struct TextColumnGroup<const N: usize>([TextColumn; N]);

impl<const N: usize> TextColumnGroup<N> {
    pub fn new(texts: [Texts; N]) -> Self {
        Self(texts.map(TextColumn::new))
    }

    pub fn append(&mut self, texts: [Option<&str>; N]) {
        for (column, text) in self.0.iter_mut().zip(texts) {
            column.append(text);
        }
    }

    pub fn close(&mut self) -> impl Iterator<Item = Closed> {
        self.0.iter_mut().map(TextColumn::close)
    }

    pub fn words(&mut self) -> impl Iterator<Item = ArrayRef> {
        self.0.iter_mut().filter_map(TextColumn::words)
    }
}

impl<A: Array + 'static> From<A> for Closed {
    fn from(array: A) -> Self {
        Self::Array(Arc::new(array))
    }
}

//! How the result of each function grows with its arguments. What is not listed
//! here cannot be called: a new release of DataFusion may bring functions that
//! read more than their arguments, or make much of little.

/// The largest constant, and the largest value that a function makes, unless an
/// argument holds one as large. What joins, windows and constants do with a
/// value is to copy it for each row of a batch, and no pool sees that.
pub(super) const LARGEST_VALUE_BYTES: usize = 32 * 1024;

/// How the size of a scalar function's result follows from its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Growth {
    /// A number, a time, a digest: of a size that no argument sets.
    Fixed,
    /// No larger than the largest argument.
    Within,
    /// The first argument as often as the second says.
    Repeated,
    /// As many letters or elements as the second argument says, each as large
    /// as the third.
    Stated,
    /// From, to and step.
    Series,
    /// All arguments, one after the other.
    Joined,
    /// As [`Self::Joined`], with the first argument between the others.
    Separated,
    /// As many elements as the longest argument has, for each argument.
    Zipped,
    /// The first argument, each of its bytes in at most so many.
    Scaled(u8),
    /// The first argument with the second replaced by the third.
    Replaced,
    /// The same, where the second is a pattern that may match nothing anywhere.
    Matched,
    /// The elements of the first argument, with the others between or for them.
    Listed,
    /// The second argument, each of its letters written out.
    Formatted,
}

/// What is known of a scalar function; nothing, if it may not be called.
pub(super) fn of(name: &str) -> Option<Growth> {
    let listed = GROWING.iter().find(|(known, _)| *known == name);
    listed
        .map(|(_, growth)| *growth)
        .or_else(|| FIXED.contains(&name).then_some(Growth::Fixed))
        .or_else(|| WITHIN.contains(&name).then_some(Growth::Within))
}

const GROWING: [(&str, Growth); 40] = [
    ("array_add", Growth::Scaled(16)),
    ("array_append", Growth::Joined),
    ("array_concat", Growth::Joined),
    ("array_normalize", Growth::Scaled(16)),
    ("array_positions", Growth::Scaled(16)),
    ("array_prepend", Growth::Joined),
    ("array_repeat", Growth::Repeated),
    ("array_replace", Growth::Listed),
    ("array_replace_all", Growth::Listed),
    ("array_replace_n", Growth::Listed),
    ("array_resize", Growth::Stated),
    ("array_scale", Growth::Scaled(16)),
    ("array_subtract", Growth::Scaled(16)),
    ("array_to_string", Growth::Listed),
    ("array_union", Growth::Joined),
    ("arrays_zip", Growth::Zipped),
    ("concat", Growth::Joined),
    ("concat_ws", Growth::Separated),
    ("encode", Growth::Scaled(2)),
    ("generate_series", Growth::Series),
    ("initcap", Growth::Scaled(3)),
    ("lower", Growth::Scaled(3)),
    ("lpad", Growth::Stated),
    ("make_array", Growth::Joined),
    ("map", Growth::Joined),
    ("map_extract", Growth::Scaled(2)),
    ("named_struct", Growth::Joined),
    ("overlay", Growth::Joined),
    ("range", Growth::Series),
    ("regexp_match", Growth::Scaled(24)),
    ("regexp_replace", Growth::Matched),
    ("repeat", Growth::Repeated),
    ("replace", Growth::Replaced),
    ("rpad", Growth::Stated),
    ("string_to_array", Growth::Scaled(24)),
    ("struct", Growth::Joined),
    ("to_char", Growth::Formatted),
    ("translate", Growth::Scaled(4)),
    ("upper", Growth::Scaled(3)),
    (super::concatenation::NAME, Growth::Joined),
];

const FIXED: [&str; 96] = [
    "abs",
    "acos",
    "acosh",
    "array_avg",
    "array_dims",
    "array_distance",
    "array_has",
    "array_has_all",
    "array_has_any",
    "array_length",
    "array_ndims",
    "array_position",
    "array_product",
    "array_sum",
    "arrow_typeof",
    "ascii",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "bit_length",
    "cardinality",
    "cbrt",
    "ceil",
    "character_length",
    "chr",
    "contains",
    "cos",
    "cosh",
    "cosine_distance",
    "cot",
    "current_date",
    "current_time",
    "date_bin",
    "date_part",
    "date_trunc",
    "degrees",
    "digest",
    "empty",
    "ends_with",
    "exp",
    "factorial",
    "find_in_set",
    "floor",
    "from_unixtime",
    "gcd",
    "inner_product",
    "isnan",
    "iszero",
    "lcm",
    "levenshtein",
    "ln",
    "log",
    "log10",
    "log2",
    "make_date",
    "make_time",
    "md5",
    "nanvl",
    "now",
    "octet_length",
    "pi",
    "power",
    "radians",
    "random",
    "regexp_count",
    "regexp_instr",
    "regexp_like",
    "round",
    "sha224",
    "sha256",
    "sha384",
    "sha512",
    "signum",
    "sin",
    "sinh",
    "sqrt",
    "starts_with",
    "strpos",
    "tan",
    "tanh",
    "to_date",
    "to_hex",
    "to_local_time",
    "to_time",
    "to_timestamp",
    "to_timestamp_micros",
    "to_timestamp_millis",
    "to_timestamp_nanos",
    "to_timestamp_seconds",
    "to_unixtime",
    "trunc",
    "union_tag",
    "uuid",
    "version",
];

const WITHIN: [&str; 40] = [
    "array_any_value",
    "array_compact",
    "array_distinct",
    "array_element",
    "array_except",
    "array_intersect",
    "array_max",
    "array_min",
    "array_pop_back",
    "array_pop_front",
    "array_remove",
    "array_remove_all",
    "array_remove_n",
    "array_reverse",
    "array_slice",
    "array_sort",
    "arrow_cast",
    "arrow_try_cast",
    "btrim",
    "coalesce",
    "decode",
    "flatten",
    "get_field",
    "greatest",
    "least",
    "left",
    "ltrim",
    "map_entries",
    "map_keys",
    "map_values",
    "nullif",
    "nvl",
    "nvl2",
    "reverse",
    "right",
    "rtrim",
    "split_part",
    "substr",
    "substr_index",
    "union_extract",
];

/// Aggregates that keep every value, in lists and texts.
pub(super) const COLLECTING: [&str; 2] = ["array_agg", "string_agg"];

/// Aggregates that make one value of many.
pub(super) const SUMMARISING: [&str; 37] = [
    "any_value",
    "approx_distinct",
    "approx_median",
    "approx_percentile_cont",
    "approx_percentile_cont_with_weight",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "first_value",
    "grouping",
    "last_value",
    "max",
    "median",
    "min",
    "nth_value",
    "percentile_cont",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "stddev",
    "stddev_pop",
    "sum",
    "var",
    "var_pop",
];

/// Window functions: each takes a number or one of the values.
pub(super) const WINDOW: [&str; 11] = [
    "cume_dist",
    "dense_rank",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "nth_value",
    "ntile",
    "percent_rank",
    "rank",
    "row_number",
];

/// Functions of a list and a lambda. See `rewrite.rs` for what a lambda may name.
pub(super) const HIGHER_ORDER: [&str; 4] = [
    "array_any_match",
    "array_filter",
    "array_first",
    "array_transform",
];

/// The table functions: those that make rows of their arguments alone.
pub(super) const TABLE: [&str; 2] = ["generate_series", "range"];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    use datafusion::execution::SessionStateDefaults as Defaults;

    /// Withheld: they tell where and how rows are stored, or have no use in
    /// reports that a cast does not serve.
    const WITHHELD: [&str; 7] = [
        "arrow_field",
        "arrow_metadata",
        "cast_to_type",
        "file_row_index",
        "input_file_name",
        "try_cast_to_type",
        "with_metadata",
    ];

    fn same<'a>(known: impl IntoIterator<Item = &'a str>, there: Vec<String>) {
        let known: BTreeSet<&str> = known.into_iter().collect();
        let there: BTreeSet<&str> = there.iter().map(String::as_str).collect();
        let new: Vec<_> = there.difference(&known).collect();
        let gone: Vec<_> = known.difference(&there).collect();
        assert!(new.is_empty(), "look at each and list it: {new:?}");
        assert!(gone.is_empty(), "no longer there: {gone:?}");
    }

    macro_rules! names {
        ($functions:expr) => {
            $functions
                .iter()
                .map(|function| function.name().to_owned())
                .collect()
        };
    }

    #[test]
    fn the_readme_lists_what_can_be_called() {
        let readme = include_str!("../../README.md");
        let (_, section) = readme.split_once("\n## Functions\n").expect("a section");
        let (_, rows) = section.split_once("|---|---|\n").expect("a table");
        let rows = rows.lines().take_while(|line| line.starts_with('|'));
        let listed: Vec<Vec<&str>> = rows
            .map(|row| {
                let names = row.rsplit(" | ").next().unwrap_or_default();
                names.split('`').skip(1).step_by(2).collect()
            })
            .collect();
        let own = super::super::concatenation::NAME;
        let growing = GROWING.iter().map(|(name, _)| *name);
        let of_a_row = growing
            .filter(|name| *name != own)
            .chain(FIXED)
            .chain(WITHIN);
        let groups: [Vec<&str>; 5] = [
            of_a_row.collect(),
            COLLECTING.into_iter().chain(SUMMARISING).collect(),
            WINDOW.to_vec(),
            HIGHER_ORDER.to_vec(),
            TABLE.to_vec(),
        ];
        let sorted = groups.map(|mut names| {
            names.sort_unstable();
            names
        });
        assert_eq!(listed, sorted);
    }

    /// Whoever raises the version of DataFusion looks at each new function.
    #[test]
    fn every_function_is_listed_once() {
        let growing = GROWING.iter().map(|(name, _)| *name);
        let own = super::super::concatenation::NAME;
        let scalar: Vec<&str> = growing
            .filter(|name| *name != own)
            .chain(FIXED)
            .chain(WITHIN)
            .chain(WITHHELD)
            .collect();
        let once: BTreeSet<&str> = scalar.iter().copied().collect();
        assert_eq!(once.len(), scalar.len());
        same(scalar, names!(Defaults::default_scalar_functions()));
        let aggregates = COLLECTING.into_iter().chain(SUMMARISING);
        same(aggregates, names!(Defaults::default_aggregate_functions()));
        same(WINDOW, names!(Defaults::default_window_functions()));
        same(
            HIGHER_ORDER,
            names!(Defaults::default_higher_order_functions()),
        );
        same(TABLE, names!(Defaults::default_table_functions()));
    }
}

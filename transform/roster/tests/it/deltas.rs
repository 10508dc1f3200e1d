//! Any sequence of deltas equals one bulk of the final state.

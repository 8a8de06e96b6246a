//! What stands for a value while it is away, and how the value returns.

mod restorer;
mod stream;
mod vault;

pub use restorer::{Landing, Restorer};
pub use stream::{Fragment, MAX_HELD, MAX_HELD_BYTES, StreamRestorer};
pub use vault::Vault;

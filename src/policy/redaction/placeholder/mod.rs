//! What stands for a value while it is away, and how the value returns.

mod restorer;
mod seal;
mod spelling;
mod stream;
mod vault;

pub use restorer::Restorer;
pub use seal::Keys;
pub use spelling::Landing;
pub use stream::{Fragment, MAX_HELD, MAX_HELD_BYTES, StreamRestorer};
pub use vault::Vault;

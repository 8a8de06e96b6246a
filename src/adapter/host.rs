//! Every call to Envoy, and nothing else.
//!
//! The SDK's own wrappers panic on any status that they do not expect, and on header values that are not UTF-8; a
//! panic kills the worker's VM and every request in it. Here each status becomes a value, and bytes stay bytes.

use crate::engine::effect::{MetricKind, Reply};
use crate::store::{PutError, Store, StoreError, Versioned};
use crate::wire::http::Headers;

mod raw {
    // Named, because newer linkers no longer take an unknown symbol for an import.
    #[link(wasm_import_module = "env")]
    unsafe extern "C" {
        pub fn proxy_log(level: u32, message: *const u8, size: usize) -> u32;
        pub fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
        pub fn proxy_get_buffer_bytes(
            kind: u32,
            start: usize,
            max: usize,
            data: *mut *mut u8,
            size: *mut usize,
        ) -> u32;
        pub fn proxy_set_buffer_bytes(
            kind: u32,
            start: usize,
            size: usize,
            data: *const u8,
            length: usize,
        ) -> u32;
        pub fn proxy_get_header_map_value(
            kind: u32,
            key: *const u8,
            key_size: usize,
            data: *mut *mut u8,
            size: *mut usize,
        ) -> u32;
        pub fn proxy_get_header_map_pairs(kind: u32, data: *mut *mut u8, size: *mut usize) -> u32;
        pub fn proxy_replace_header_map_value(
            kind: u32,
            key: *const u8,
            key_size: usize,
            value: *const u8,
            value_size: usize,
        ) -> u32;
        pub fn proxy_remove_header_map_value(kind: u32, key: *const u8, key_size: usize) -> u32;
        pub fn proxy_get_property(
            path: *const u8,
            path_size: usize,
            data: *mut *mut u8,
            size: *mut usize,
        ) -> u32;
        pub fn proxy_set_property(path: *const u8, path_size: usize, data: *const u8, size: usize) -> u32;
        pub fn proxy_get_shared_data(
            key: *const u8,
            key_size: usize,
            data: *mut *mut u8,
            size: *mut usize,
            cas: *mut u32,
        ) -> u32;
        pub fn proxy_set_shared_data(
            key: *const u8,
            key_size: usize,
            data: *const u8,
            size: usize,
            cas: u32,
        ) -> u32;
        pub fn proxy_send_local_response(
            status: u32,
            details: *const u8,
            details_size: usize,
            body: *const u8,
            body_size: usize,
            headers: *const u8,
            headers_size: usize,
            grpc_status: i32,
        ) -> u32;
        pub fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
        pub fn proxy_set_effective_context(context: u32) -> u32;
        pub fn proxy_close_stream(kind: u32) -> u32;
        pub fn proxy_define_metric(kind: u32, name: *const u8, size: usize, id: *mut u32) -> u32;
        pub fn proxy_record_metric(id: u32, value: u64) -> u32;
        pub fn proxy_increment_metric(id: u32, offset: i64) -> u32;
    }
}

const OK: u32 = 0;
const NOT_FOUND: u32 = 1;
const CAS_MISMATCH: u32 = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    Request,
    Response,
}

impl Message {
    fn body(self) -> u32 {
        match self {
            Self::Request => 0,
            Self::Response => 1,
        }
    }

    fn headers(self) -> u32 {
        match self {
            Self::Request => 0,
            Self::Response => 2,
        }
    }
}

const PLUGIN_CONFIGURATION: u32 = 7;

/// Bytes that the host wrote into memory that it asked the SDK's allocator for.
fn owned(data: *mut u8, size: usize) -> Vec<u8> {
    if data.is_null() {
        return Vec::new();
    }
    // SAFETY: the host got the block from `proxy_on_memory_allocate`, which leaks a `Vec` of this capacity, has
    // filled it, and does not keep the pointer.
    unsafe { Vec::from_raw_parts(data, size, size) }
}

pub fn log_error(message: &str) {
    log(4, message);
}

pub fn log_warning(message: &str) {
    log(3, message);
}

fn log(level: u32, message: &str) {
    // SAFETY: the pointer and the length are those of a live string.
    unsafe { raw::proxy_log(level, message.as_ptr(), message.len()) };
}

/// Unix time in milliseconds.
pub fn now_ms() -> u64 {
    let mut nanoseconds = 0;
    // SAFETY: the host writes one u64.
    unsafe { raw::proxy_get_current_time_nanoseconds(&raw mut nanoseconds) };
    nanoseconds / 1_000_000
}

/// Part of a message's body: what is held, or the piece at hand.
pub fn body(message: Message, start: usize, size: usize) -> Vec<u8> {
    if size == 0 { Vec::new() } else { buffer(message.body(), start, size).unwrap_or_default() }
}

pub fn plugin_configuration() -> Vec<u8> {
    buffer(PLUGIN_CONFIGURATION, 0, usize::MAX).unwrap_or_default()
}

fn buffer(kind: u32, start: usize, size: usize) -> Option<Vec<u8>> {
    let (mut data, mut length) = (std::ptr::null_mut(), 0);
    // SAFETY: the host writes one pointer and one length, of a block that is ours from then on.
    let status = unsafe { raw::proxy_get_buffer_bytes(kind, start, size, &raw mut data, &raw mut length) };
    (status == OK).then(|| owned(data, length))
}

/// Replaces the first `size` bytes of what is held. `false`: the host refused.
pub fn set_body(message: Message, size: usize, body: &[u8]) -> bool {
    // SAFETY: the pointer and the length are those of a live slice.
    unsafe { raw::proxy_set_buffer_bytes(message.body(), 0, size, body.as_ptr(), body.len()) == OK }
}

pub fn headers(message: Message) -> Headers {
    let (mut data, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: as in `buffer`.
    let status = unsafe { raw::proxy_get_header_map_pairs(message.headers(), &raw mut data, &raw mut size) };
    if status == OK { parse_pairs(&owned(data, size)).unwrap_or_default() } else { Headers::new() }
}

pub fn header(message: Message, name: &str) -> Option<Vec<u8>> {
    let (mut data, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: as in `buffer`; the name is a live string.
    let status = unsafe {
        raw::proxy_get_header_map_value(
            message.headers(),
            name.as_ptr(),
            name.len(),
            &raw mut data,
            &raw mut size,
        )
    };
    (status == OK).then(|| owned(data, size))
}

/// `count`, then the sizes of each name and value, then names and values, each with a NUL behind it. All numbers are
/// u32, little endian (proxy-wasm ABI 0.2.1, "serialized header map").
fn parse_pairs(bytes: &[u8]) -> Option<Headers> {
    let number = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
    let count = number(0)?;
    let mut at = 4 + count * 8;
    let mut pairs = Vec::with_capacity(count);
    for index in 0..count {
        let (name_size, value_size) = (number(4 + index * 8)?, number(8 + index * 8)?);
        let name = bytes.get(at..at + name_size)?;
        let value = bytes.get(at + name_size + 1..at + name_size + 1 + value_size)?;
        pairs.push((String::from_utf8_lossy(name).into_owned(), value.to_vec()));
        at += name_size + value_size + 2;
    }
    Some(pairs.into_iter().collect())
}

pub fn remove_request_trailers() {
    const REQUEST_TRAILERS: u32 = 1;
    let (mut data, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: as in `buffer`.
    let status = unsafe { raw::proxy_get_header_map_pairs(REQUEST_TRAILERS, &raw mut data, &raw mut size) };
    let trailers =
        if status == OK { parse_pairs(&owned(data, size)).unwrap_or_default() } else { Headers::new() };
    for (name, _) in trailers.iter() {
        // SAFETY: the pointer and the length are those of a live string.
        unsafe { raw::proxy_remove_header_map_value(REQUEST_TRAILERS, name.as_ptr(), name.len()) };
    }
}

/// `false`: the headers are out of reach, having gone on.
pub fn set_header(message: Message, name: &str, value: &str) -> bool {
    // SAFETY: pointers and lengths are those of live strings.
    unsafe {
        raw::proxy_replace_header_map_value(
            message.headers(),
            name.as_ptr(),
            name.len(),
            value.as_ptr(),
            value.len(),
        ) == OK
    }
}

pub fn remove_header(message: Message, name: &str) -> bool {
    // SAFETY: the pointer and the length are those of a live string.
    unsafe { raw::proxy_remove_header_map_value(message.headers(), name.as_ptr(), name.len()) == OK }
}

pub fn property(path: &[&str]) -> Option<Vec<u8>> {
    let path = path.join("\0");
    let (mut data, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: as in `buffer`; the path is a live string.
    let status = unsafe { raw::proxy_get_property(path.as_ptr(), path.len(), &raw mut data, &raw mut size) };
    (status == OK).then(|| owned(data, size))
}

pub fn text_property(path: &[&str]) -> Option<String> {
    property(path).and_then(|bytes| String::from_utf8(bytes).ok()).filter(|text| !text.is_empty())
}

/// Becomes filter state `wasm.NAME`.
pub fn set_filter_state(name: &str, value: &[u8]) -> bool {
    // SAFETY: pointers and lengths are those of live slices.
    unsafe { raw::proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len()) == OK }
}

/// `false`: it is too late for an answer of our own.
pub fn reply(reply: &Reply) -> bool {
    let headers = serialize_pairs(&reply.headers);
    let details = "tollgate";
    // SAFETY: pointers and lengths are those of live slices.
    unsafe {
        raw::proxy_send_local_response(
            u32::from(reply.status),
            details.as_ptr(),
            details.len(),
            reply.body.as_ptr(),
            reply.body.len(),
            headers.as_ptr(),
            headers.len(),
            -1,
        ) == OK
    }
}

/// From now on the root is called in such periods.
pub fn tick_every(milliseconds: u32) {
    // SAFETY: numbers only.
    unsafe { raw::proxy_set_tick_period_milliseconds(milliseconds) };
}

/// Resets the answer of another context's request. To be called by a root.
pub fn reset_answer(context: u32) {
    const RESPONSE: u32 = 1;
    // SAFETY: numbers only. A context that is gone is refused, and nothing else is closed in its place.
    unsafe {
        if raw::proxy_set_effective_context(context) == OK {
            raw::proxy_close_stream(RESPONSE);
        }
    }
}

fn serialize_pairs(pairs: &[(String, String)]) -> Vec<u8> {
    let number = |size: usize| u32::try_from(size).unwrap_or(0).to_le_bytes();
    let mut bytes = number(pairs.len()).to_vec();
    for (name, value) in pairs {
        bytes.extend(number(name.len()));
        bytes.extend(number(value.len()));
    }
    for (name, value) in pairs {
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(value.as_bytes());
        bytes.push(0);
    }
    bytes
}

/// `None`: the host will not have this metric.
pub fn define_metric(kind: MetricKind, name: &str) -> Option<u32> {
    let kind = match kind {
        MetricKind::Counter => 0,
        MetricKind::Gauge => 1,
        MetricKind::Histogram => 2,
    };
    let mut id = 0;
    // SAFETY: the host writes one u32; the name is a live string.
    (unsafe { raw::proxy_define_metric(kind, name.as_ptr(), name.len(), &raw mut id) } == OK).then_some(id)
}

pub fn measure(kind: MetricKind, id: u32, value: u64) {
    // SAFETY: numbers only. The host refuses an increment by nothing.
    unsafe {
        match (kind, i64::try_from(value)) {
            (MetricKind::Counter, Ok(0)) => {}
            (MetricKind::Counter, Ok(offset)) => {
                raw::proxy_increment_metric(id, offset);
            }
            _ => {
                raw::proxy_record_metric(id, value);
            }
        }
    }
}

/// Envoy's shared data: one store for all workers, in memory, as old as the process.
pub struct SharedData;

/// Creates the key when it is absent and fails as a mismatch otherwise. (The value that means "whatever the version"
/// is 0, and it overwrites.)
const ONLY_IF_ABSENT: u32 = u32::MAX;

impl Store for SharedData {
    fn get(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        let (mut data, mut size, mut version) = (std::ptr::null_mut(), 0, 0);
        // SAFETY: as in `buffer`; the host writes the version too.
        let status = unsafe {
            raw::proxy_get_shared_data(
                key.as_ptr(),
                key.len(),
                &raw mut data,
                &raw mut size,
                &raw mut version,
            )
        };
        match status {
            OK => Ok(Some(Versioned { value: owned(data, size), version })),
            NOT_FOUND => Ok(None),
            _ => Err(StoreError::Failed),
        }
    }

    fn put(&self, key: &str, value: &[u8], expected: Option<u32>) -> Result<(), PutError> {
        let version = expected.unwrap_or(ONLY_IF_ABSENT);
        // SAFETY: pointers and lengths are those of live slices.
        let status = unsafe {
            raw::proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), version)
        };
        match status {
            OK => Ok(()),
            CAS_MISMATCH => Err(PutError::Mismatch),
            _ => Err(PutError::Failed),
        }
    }
}

//! The two questions that rdkafka does not ask for us: which id a topic has,
//! and whether a failed message was stored. The one place that calls
//! librdkafka's C functions itself.
//!
//! Ownership, from `rdkafka.h`: the queue, the topic collection, the options
//! and the event are ours to destroy; everything reached through the event
//! lives as long as the event, so that strings are copied before it goes.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::time::Duration;

use rdkafka::bindings as c;
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;

/// What the broker says about a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Description {
    /// The topic's id in URL-safe base64; none from brokers before 2.8.
    pub(super) id: Option<String>,
    pub(super) partitions: u32,
}

/// The id that stands for "no id": sixteen zero bytes.
const NO_ID: &str = "AAAAAAAAAAAAAAAAAAAAAA";

/// Describes the topic; blocks for at most about `timeout`.
///
/// # Errors
///
/// [`KafkaError::AdminOp`] with what the broker or the client said, such as
/// `UnknownTopicOrPartition`.
pub(super) fn describe<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    timeout: Duration,
) -> Result<Description, KafkaError> {
    let name = CString::new(topic)?;
    let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);

    // SAFETY: `client` outlives this call, so its handle is valid. Every pointer
    // that is given away is either owned by a guard below, which destroys it
    // once, or borrowed from such an owner while that is alive. `name` outlives
    // the collection, which copies it anyway. All results that may be null are
    // checked before use.
    unsafe {
        let rk = client.native_ptr();
        let queue = Guard::new(c::rd_kafka_queue_new(rk), c::rd_kafka_queue_destroy)?;
        let mut names = [name.as_ptr()];
        let topics = Guard::new(
            c::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len()),
            c::rd_kafka_TopicCollection_destroy,
        )?;
        let options = Guard::new(
            c::rd_kafka_AdminOptions_new(
                rk,
                c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS,
            ),
            c::rd_kafka_AdminOptions_destroy,
        )?;
        let mut reason = [0; 256];
        let set = c::rd_kafka_AdminOptions_set_request_timeout(
            options.0,
            timeout_ms,
            reason.as_mut_ptr(),
            reason.len(),
        );
        check(set)?;

        c::rd_kafka_DescribeTopics(rk, topics.0, options.0, queue.0);
        // The client answers by itself when the request times out.
        let event = Guard::new(
            c::rd_kafka_queue_poll(queue.0, timeout_ms.saturating_add(1000)),
            c::rd_kafka_event_destroy,
        )?;
        check(c::rd_kafka_event_error(event.0))?;
        let result = c::rd_kafka_event_DescribeTopics_result(event.0);
        if result.is_null() {
            return Err(KafkaError::AdminOp(RDKafkaErrorCode::Fail));
        }
        let mut count = 0;
        let described = c::rd_kafka_DescribeTopics_result_topics(result, &mut count);
        if described.is_null() || count == 0 {
            return Err(KafkaError::AdminOp(
                RDKafkaErrorCode::UnknownTopicOrPartition,
            ));
        }
        let description = *described;
        check(c::rd_kafka_error_code(c::rd_kafka_TopicDescription_error(
            description,
        )))?;

        let mut partitions = 0;
        c::rd_kafka_TopicDescription_partitions(description, &mut partitions);
        let id = c::rd_kafka_TopicDescription_topic_id(description);
        let id = if id.is_null() {
            std::ptr::null()
        } else {
            c::rd_kafka_Uuid_base64str(id)
        };
        let id = if id.is_null() {
            None
        } else {
            // librdkafka spells base64 with + and /, Kafka itself with - and _.
            let id = CStr::from_ptr(id).to_string_lossy();
            Some(id.replace('+', "-").replace('/', "_"))
        };
        Ok(Description {
            id: id.filter(|id| id != NO_ID),
            partitions: partitions as u32,
        })
    }
}

/// Whether the topic may hold a message that was reported as failed: false
/// when it was never sent, or when every broker's answer meant "not stored".
pub(super) fn may_be_stored(failed: &BorrowedMessage<'_>) -> bool {
    // SAFETY: the message borrows the delivery event it came in, so the pointer
    // is valid, and librdkafka only reads through it.
    let status = unsafe { c::rd_kafka_message_status(failed.ptr()) };
    status != c::rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_NOT_PERSISTED
}

fn check(code: c::rd_kafka_resp_err_t) -> Result<(), KafkaError> {
    match code {
        c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
        error => Err(KafkaError::AdminOp(error.into())),
    }
}

/// A C object and the function that destroys it.
struct Guard<T>(*mut T, unsafe extern "C" fn(*mut T));

impl<T> Guard<T> {
    /// Null, where the C function may return it, means that no answer came.
    fn new(pointer: *mut T, destroy: unsafe extern "C" fn(*mut T)) -> Result<Self, KafkaError> {
        if pointer.is_null() {
            return Err(KafkaError::AdminOp(RDKafkaErrorCode::OperationTimedOut));
        }
        Ok(Self(pointer, destroy))
    }
}

impl<T> Drop for Guard<T> {
    fn drop(&mut self) {
        // SAFETY: `new` was given this non-null pointer with its destructor, and
        // nothing else destroys it.
        unsafe { (self.1)(self.0) }
    }
}

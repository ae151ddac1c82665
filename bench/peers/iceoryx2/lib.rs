//! iceoryx2 behind the few C functions that peer.c beside this file puts into the table of bench/peers/peer.h: so it is measured by the same loops
//! as every other system. Publish-subscribe of byte slices with the single-threaded ipc service, which is the faster of its two; files and shared
//! memory carry a prefix of the run's own. All calls of a process come from one thread. Whatever fails says so on standard error and returns null
//! or -1.

use std::cell::RefCell;
use std::ffi::{c_char, c_int, c_void, CStr};
use std::rc::{Rc, Weak};
use std::time::Duration;

use iceoryx2::node::{Node, NodeBuilder};
use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;
use iceoryx2::sample_mut_uninit::SampleMutUninit;
use iceoryx2::service::port_factory::event;
use iceoryx2::service::port_factory::publish_subscribe::PortFactory;

type Failure = Box<dyn std::error::Error>;
type OnFrame = extern "C" fn(*mut c_void, *const u8, usize);

const ALIGNMENT: usize = 64;
const LEAST_SUBSCRIBERS: usize = 8;

#[repr(C)]
pub struct Options {
    size: usize,
    depth: usize,
    consumers: usize,
    stream_id: u32,
    dir: *const c_char,
    sleeps: bool,
}

pub struct Producer {
    publisher: Publisher<ipc::Service, [u8], ()>,
    notifier: Option<Notifier<ipc::Service>>,
    loaned: Option<SampleMutUninit<ipc::Service, [core::mem::MaybeUninit<u8>], ()>>,
    _service: PortFactory<ipc::Service, [u8], ()>,
    _node: Rc<Node<ipc::Service>>,
}

pub struct Consumer {
    listener: Option<Listener<ipc::Service>>,
    subscriber: Subscriber<ipc::Service, [u8], ()>,
    _service: PortFactory<ipc::Service, [u8], ()>,
    _node: Rc<Node<ipc::Service>>,
}

// One for all ports of a process. It ends with the last of them: a node that is left behind is cleaned up by, and slows down, the next one to start.
thread_local! {
    static NODE: RefCell<Weak<Node<ipc::Service>>> = const { RefCell::new(Weak::new()) };
}

fn node(options: &Options) -> Result<Rc<Node<ipc::Service>>, Failure> {
    if let Some(node) = NODE.with(|n| n.borrow().upgrade()) {
        return Ok(node);
    }
    let dir = unsafe { CStr::from_ptr(options.dir) }.to_str()?;
    let mut config = Config::default();
    let prefix = format!("{}_", dir.rsplit('/').next().unwrap_or("tp-bench"));
    config.global.prefix = FileName::new(prefix.as_bytes())?;
    config.global.set_root_path(&Path::new(format!("{dir}/iceoryx2").as_bytes())?);
    let made = Rc::new(NodeBuilder::new().config(&config).signal_handling_mode(SignalHandlingMode::Disabled).create::<ipc::Service>()?);
    NODE.with(|n| *n.borrow_mut() = Rc::downgrade(&made));
    Ok(made)
}

fn service(node: &Node<ipc::Service>, options: &Options) -> Result<PortFactory<ipc::Service, [u8], ()>, Failure> {
    set_log_level(LogLevel::Error);
    let name = ServiceName::new(&format!("bench/{}", options.stream_id))?;
    Ok(node
        .service_builder(&name)
        .publish_subscribe::<[u8]>()
        .payload_alignment(Alignment::new(ALIGNMENT).ok_or("alignment")?)
        .subscriber_max_buffer_size(options.depth)
        .max_subscribers(options.consumers.max(LEAST_SUBSCRIBERS))
        .open_or_create()?)
}

/// What wakes a reader: iceoryx2 has events for that, beside publish-subscribe.
fn event(node: &Node<ipc::Service>, options: &Options) -> Result<event::PortFactory<ipc::Service>, Failure> {
    let name = ServiceName::new(&format!("bench-wake/{}", options.stream_id))?;
    Ok(node.service_builder(&name).event().open_or_create()?)
}

fn open_producer(options: &Options) -> Result<Producer, Failure> {
    let node = node(options)?;
    let service = service(&node, options)?;
    let publisher = service.publisher_builder().initial_max_slice_len(options.size).create()?;
    let notifier = if options.sleeps { Some(event(&node, options)?.notifier_builder().create()?) } else { None };
    Ok(Producer { publisher, notifier, loaned: None, _service: service, _node: node })
}

fn open_consumer(options: &Options) -> Result<Consumer, Failure> {
    let node = node(options)?;
    let service = service(&node, options)?;
    let subscriber = service.subscriber_builder().buffer_size(options.depth).create()?;
    let listener = if options.sleeps { Some(event(&node, options)?.listener_builder().create()?) } else { None };
    Ok(Consumer { listener, subscriber, _service: service, _node: node })
}

fn handed_out<T>(made: Result<T, Failure>) -> *mut T {
    match made {
        Ok(value) => Box::into_raw(Box::new(value)),
        Err(failure) => {
            eprintln!("iceoryx2: {failure:?}");
            std::ptr::null_mut()
        }
    }
}

/// # Safety
/// `options` and its strings are readable.
#[no_mangle]
pub unsafe extern "C" fn bench_iceoryx2_open_producer(options: *const Options) -> *mut Producer {
    handed_out(open_producer(&*options))
}

/// # Safety
/// `producer` comes from `bench_iceoryx2_open_producer` and is not used again.
#[no_mangle]
pub unsafe extern "C" fn bench_iceoryx2_close_producer(producer: *mut Producer) {
    drop(Box::from_raw(producer));
}

/// # Safety
/// `options` and its strings are readable.
#[no_mangle]
pub unsafe extern "C" fn bench_iceoryx2_open_consumer(options: *const Options) -> *mut Consumer {
    handed_out(open_consumer(&*options))
}

/// # Safety
/// `consumer` comes from `bench_iceoryx2_open_consumer` and is not used again.
#[no_mangle]
pub unsafe extern "C" fn bench_iceoryx2_close_consumer(consumer: *mut Consumer) {
    drop(Box::from_raw(consumer));
}

/// # Safety
/// `producer` is open. Null when nothing can be loaned now.
#[no_mangle]
pub unsafe extern "C" fn bench_iceoryx2_claim(producer: *mut Producer, length: usize) -> *mut u8 {
    let producer = &mut *producer;
    match producer.publisher.loan_slice_uninit(length) {
        Ok(mut sample) => {
            let payload = sample.payload_mut().as_mut_ptr().cast::<u8>();
            producer.loaned = Some(sample);
            payload
        }
        Err(_) => std::ptr::null_mut(),
    }
}

/// # Safety
/// `producer` is open and what was loaned last has been filled.
#[no_mangle]
pub unsafe extern "C" fn bench_iceoryx2_commit(producer: *mut Producer) -> c_int {
    match (*producer).loaned.take().map(|sample| sample.assume_init().send()) {
        Some(Ok(_)) => match &(*producer).notifier {
            Some(notifier) if notifier.notify().is_err() => -1,
            _ => 0,
        },
        _ => -1,
    }
}

/// # Safety
/// `consumer` is open; `on_frame` may read `length` bytes until it returns.
#[no_mangle]
pub unsafe extern "C" fn bench_iceoryx2_poll(consumer: *mut Consumer, on_frame: OnFrame, clientd: *mut c_void) -> c_int {
    match (*consumer).subscriber.receive() {
        Ok(Some(sample)) => {
            let payload = sample.payload();
            on_frame(clientd, payload.as_ptr(), payload.len());
            1
        }
        Ok(None) => 0,
        Err(_) => -1,
    }
}

/// # Safety
/// As bench_iceoryx2_poll; the consumer was opened to sleep.
#[no_mangle]
pub unsafe extern "C" fn bench_iceoryx2_wait(consumer: *mut Consumer, on_frame: OnFrame, clientd: *mut c_void, timeout_ns: i64) -> c_int {
    let frames = bench_iceoryx2_poll(consumer, on_frame, clientd);
    if frames != 0 {
        return frames;
    }
    let timeout = Duration::from_nanos(timeout_ns.max(0) as u64);
    match (*consumer).listener.as_mut().map(|listener| listener.timed_wait(|_| (), timeout)) {
        Some(Ok(_)) => bench_iceoryx2_poll(consumer, on_frame, clientd),
        _ => -1,
    }
}

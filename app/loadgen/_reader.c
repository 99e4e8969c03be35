/* The native read path: epoll_wait and recvmsg of every ready plain socket, without going through Python per chunk.
 *
 * What `reader.PythonReader` does, in C, because at 100,000 chunks a second the interpreter costs as much as the kernel.
 * `native.py` wraps it and says what is different: reads of a chunked response stop at the end of a chunk while the
 * loop is not busy, so that a chunk keeps its own stamp although more is waiting behind it.
 *
 * Built by hatch_build.py when there is a C compiler; limited API, so one build serves every Python from 3.11 on.
 * A slot owns references to the bytearrays that it fills and looks their address up anew for every read, so Python may
 * shrink them between two calls. Nothing here outlives `detach`.
 */

#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#define _GNU_SOURCE
#include <Python.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <structmember.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#define INTERFACE 1 /* as native.py knows it: a stale build is not used */
#define MAX_EVENTS 4096
#define READ_BYTES 262144
#define READS_AT_ONCE 3  /* the rest of a chunk, or a chunk's start; a chunk's end; then whatever else is there */
#define BUSY_EVENTS 64   /* above this, fewer system calls are worth more than a stamp for every chunk */
#define LAG_BITS 4
#define LAG_BUCKETS ((64 - LAG_BITS) << LAG_BITS)
#define SHORTEST_READ 16 /* holds any chunk's size line */
#define STAMP_TYPE 35    /* SCM_TIMESTAMPNS with a 64-bit time_t */
#define INQ_TYPE 36      /* TCP_CM_INQ */

enum { ALWAYS, CHUNKED, COUNTED, UNTIL_CLOSE, RECORDS }; /* as in exchange.py and connection.py */
enum { NOT_LOCATED = -2, UNKNOWN = -1 };

typedef struct {
    PyObject *exchange, *buffer, *stamps, *ends;
    Py_ssize_t expected; /* COUNTED: complete at this many bytes */
    Py_ssize_t seen;     /* length of `buffer` when `next` was right */
    Py_ssize_t next;     /* where in `buffer` the next chunk of the body begins */
    Py_ssize_t usual;    /* a chunk is mostly this long, rarely less */
    Py_ssize_t buffer_room, stamps_room, ends_room; /* what the arrays can hold without moving */
    int mode;
} Slot;

typedef struct {
    PyObject_HEAD
    Slot **slots; /* by file descriptor */
    int size;
    int epoll_fd;
    struct epoll_event *events;
    char *data;
    long long reads, bytes_in, last_ns, max_lag_ns;
    unsigned int lags[LAG_BUCKETS]; /* stamp → read, of the last read of every batch, since `take_lags` */
} Reader;

typedef struct {
    struct timespec stamp;
    Py_ssize_t size;
    int waiting; /* bytes left in the socket; -1 when the kernel does not say */
    int is_user; /* the stamp is not the kernel's */
    int error;
} Read;

/* ---------------------------------------------------------------- slots */

static void slot_free(Slot *slot) {
    Py_XDECREF(slot->exchange);
    Py_XDECREF(slot->buffer);
    Py_XDECREF(slot->stamps);
    Py_XDECREF(slot->ends);
    PyMem_Free(slot);
}

static Slot *slot_of(Reader *self, int fd) { return fd >= 0 && fd < self->size ? self->slots[fd] : NULL; }

static int make_room(Reader *self, int fd) {
    if (fd < self->size) return 0;
    int size = fd + 1 > self->size * 2 ? fd + 1 : self->size * 2;
    Slot **slots = PyMem_Realloc(self->slots, (size_t)size * sizeof *slots);
    if (!slots) {
        PyErr_NoMemory();
        return -1;
    }
    memset(slots + self->size, 0, (size_t)(size - self->size) * sizeof *slots);
    self->slots = slots;
    self->size = size;
    return 0;
}

static void note_length(Slot *slot, Py_ssize_t whole) {
    if (!slot->usual || whole < slot->usual) slot->usual = whole;
    else if (whole > slot->usual) slot->usual += 1 + (whole - slot->usual - 1) / 8;
}

/* Follow the size lines of RFC 9112, section 7.1, as far as they have come. Anything unusual, such as an extension,
 * makes the place of the next chunk unknown, and reads are then never cut. */
static void follow_chunks(Slot *slot) {
    const char *data = PyByteArray_AsString(slot->buffer);
    Py_ssize_t size = PyByteArray_Size(slot->buffer);
    while (slot->next >= 0 && slot->next < size) {
        const char *at = data + slot->next, *end = data + size;
        Py_ssize_t length = 0;
        int digits = 0;
        for (; at < end && digits < 8; at++, digits++) {
            int c = *at | 0x20;
            if (c >= '0' && c <= '9' && *at < ':') length = length * 16 + (c - '0');
            else if (c >= 'a' && c <= 'f') length = length * 16 + (c - 'a' + 10);
            else break;
        }
        if (end - at < 2 && (at == end || *at == '\r')) break; /* the line has not come whole */
        if (!digits || !length || at[0] != '\r' || at[1] != '\n') {
            slot->next = UNKNOWN;
            break;
        }
        Py_ssize_t whole = digits + 2 + length + 2;
        note_length(slot, whole);
        slot->next += whole;
    }
    slot->seen = size;
}

/* The same for TLS records: type, version, length (RFC 8446, section 5.1). */
static void follow_records(Slot *slot) {
    const unsigned char *data = (const unsigned char *)PyByteArray_AsString(slot->buffer);
    Py_ssize_t size = PyByteArray_Size(slot->buffer);
    while (slot->next + 5 <= size) {
        Py_ssize_t whole = 5 + (data[slot->next + 3] << 8 | data[slot->next + 4]);
        note_length(slot, whole);
        slot->next += whole;
    }
    slot->seen = size;
}

static void follow(Slot *slot) {
    if (slot->next >= 0) (slot->mode == RECORDS ? follow_records : follow_chunks)(slot);
}

static void locate_first_chunk(Slot *slot) {
    const char *data = PyByteArray_AsString(slot->buffer);
    const char *blank = memmem(data, (size_t)PyByteArray_Size(slot->buffer), "\r\n\r\n", 4);
    slot->next = blank ? blank - data + 4 : UNKNOWN;
    follow_chunks(slot);
}

/* The owner may have dropped what it is done with. */
static void notice_what_was_dropped(Slot *slot) {
    Py_ssize_t size = PyByteArray_Size(slot->buffer);
    if (slot->next >= 0 && slot->seen > size) {
        slot->next -= slot->seen - size;
        if (slot->next < 0) slot->next = UNKNOWN; /* in the middle of a size line */
    }
    slot->seen = size;
}

static Py_ssize_t wanted(const Slot *slot) {
    if ((slot->mode != CHUNKED && slot->mode != RECORDS) || slot->next < 0) return READ_BYTES;
    Py_ssize_t size = PyByteArray_Size(slot->buffer);
    if (slot->next < size) return READ_BYTES;
    Py_ssize_t limit = slot->next > size ? slot->next - size : slot->usual;
    if (limit < SHORTEST_READ && slot->next == size) limit = SHORTEST_READ;
    return limit < READ_BYTES ? limit : READ_BYTES;
}

/* ---------------------------------------------------------------- reading */

static void receive(int fd, char *data, Py_ssize_t limit, Read *got) {
    union {
        char bytes[CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(int)) + 64];
        struct cmsghdr align;
    } control;
    struct iovec part = {.iov_base = data, .iov_len = (size_t)limit};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    got->size = recvmsg(fd, &message, MSG_DONTWAIT);
    got->error = got->size < 0 ? errno : 0;
    got->waiting = -1;
    got->is_user = 1;
    if (got->size <= 0) return;
    for (struct cmsghdr *one = CMSG_FIRSTHDR(&message); one; one = CMSG_NXTHDR(&message, one)) {
        if (one->cmsg_level == SOL_SOCKET && one->cmsg_type == STAMP_TYPE) {
            memcpy(&got->stamp, CMSG_DATA(one), sizeof got->stamp);
            got->is_user = 0;
        } else if (one->cmsg_level == IPPROTO_TCP && one->cmsg_type == INQ_TYPE) {
            memcpy(&got->waiting, CMSG_DATA(one), sizeof got->waiting);
        }
    }
    if (got->is_user) clock_gettime(CLOCK_REALTIME, &got->stamp);
}

/* Growing by a chunk at a time would be a realloc a chunk. A bytearray that is made shorter keeps its memory down to half
 * of it, so it is made longer than needed, now and then, and at once as long as needed. */
static int append(PyObject *array, Py_ssize_t *room, const void *data, Py_ssize_t size) {
    Py_ssize_t before = PyByteArray_Size(array), needed = before + size;
    if (!before) *room = 0; /* emptied by its owner, which gave the memory back */
    if (needed > *room) {
        *room = needed + needed / 2;
        if (PyByteArray_Resize(array, *room) < 0) return -1;
    }
    if (PyByteArray_Resize(array, needed) < 0) return -1;
    memcpy(PyByteArray_AsString(array) + before, data, (size_t)size);
    return 0;
}

/* Keep one read. The second read of a turn that has the first one's stamp is the same segment: one entry for both. */
static int keep(Reader *self, Slot *slot, const Read *got, int is_first) {
    if (append(slot->buffer, &slot->buffer_room, self->data, got->size) < 0) return -1;
    int64_t end = PyByteArray_Size(slot->buffer);
    int64_t stamp[2] = {got->stamp.tv_sec, got->stamp.tv_nsec};
    Py_ssize_t kept = PyByteArray_Size(slot->stamps);
    if (!is_first && kept >= (Py_ssize_t)sizeof stamp && PyByteArray_Size(slot->ends) >= (Py_ssize_t)sizeof end &&
        !memcmp(PyByteArray_AsString(slot->stamps) + kept - sizeof stamp, stamp, sizeof stamp)) {
        memcpy(PyByteArray_AsString(slot->ends) + PyByteArray_Size(slot->ends) - sizeof end, &end, sizeof end);
    } else if (append(slot->stamps, &slot->stamps_room, stamp, sizeof stamp) < 0 ||
               append(slot->ends, &slot->ends_room, &end, sizeof end) < 0) {
        return -1;
    }
    if (got->is_user && PyObject_SetAttrString(slot->exchange, "user_stamps", Py_True) < 0) return -1;
    self->bytes_in += got->size;
    self->reads++;
    self->last_ns = (long long)stamp[0] * 1000000000 + stamp[1];
    return 0;
}

static int is_worth_a_look(const Slot *slot) {
    Py_ssize_t size = PyByteArray_Size(slot->buffer);
    if (slot->mode == CHUNKED) return size >= 4 && !memcmp(PyByteArray_AsString(slot->buffer) + size - 4, "\r\n\r\n", 4);
    return slot->mode != COUNTED || size >= slot->expected;
}

static int add_lost(PyObject *lost, PyObject *exchange, int error) {
    PyObject *pair = Py_BuildValue("(Oi)", exchange, error);
    if (!pair) return -1;
    int failed = PyList_Append(lost, pair);
    Py_DECREF(pair);
    return failed;
}

static int read_slot(Reader *self, Slot *slot, int fd, int is_busy, PyObject *look, PyObject *lost) {
    notice_what_was_dropped(slot);
    for (int count = 1; count <= READS_AT_ONCE; count++) {
        Py_ssize_t limit = is_busy || count == READS_AT_ONCE ? READ_BYTES : wanted(slot);
        Read got;
        receive(fd, self->data, limit, &got);
        if (got.size <= 0) {
            if (count > 1) break; /* epoll says it again, and then it is the first */
            if (got.error == EAGAIN || got.error == EINTR) return 0;
            return add_lost(lost, slot->exchange, got.error);
        }
        if (keep(self, slot, &got, count == 1) < 0) return -1;
        follow(slot);
        if (got.waiting <= 0 || got.size < limit) break;
    }
    return is_worth_a_look(slot) ? PyList_Append(look, slot->exchange) : 0;
}

static int add_rest(PyObject *rest, const struct epoll_event *event) {
    PyObject *pair = Py_BuildValue("(iI)", event->data.fd, event->events);
    if (!pair) return -1;
    int failed = PyList_Append(rest, pair);
    Py_DECREF(pair);
    return failed;
}

/* As lag.LagHistogram counts: 16 buckets per power of two. */
static void record_lag(Reader *self) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    long long lag = (long long)now.tv_sec * 1000000000 + now.tv_nsec - self->last_ns;
    if (lag < 0) lag = 0;
    int index = (int)lag;
    if (lag >= 1 << LAG_BITS) {
        int shift = 63 - __builtin_clzll((unsigned long long)lag) - LAG_BITS;
        index = ((shift + 1) << LAG_BITS) + (int)(lag >> shift) - (1 << LAG_BITS);
    }
    self->lags[index]++;
    if (lag > self->max_lag_ns) self->max_lag_ns = lag;
}

static double monotonic(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int poll_ms(Reader *self, int timeout_ms) {
    int count;
    if (timeout_ms) {
        Py_BEGIN_ALLOW_THREADS
        count = epoll_wait(self->epoll_fd, self->events, MAX_EVENTS, timeout_ms);
        Py_END_ALLOW_THREADS
    } else {
        count = epoll_wait(self->epoll_fd, self->events, MAX_EVENTS, 0);
    }
    if (count >= 0) return count;
    if (errno != EINTR) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    return PyErr_CheckSignals() < 0 ? -1 : 0;
}

/* Handle a batch of events; whether it worked. */
static int read_ready(Reader *self, int count, PyObject *look, PyObject *lost, PyObject *rest) {
    long long before = self->reads;
    for (int i = 0; i < count; i++) {
        int fd = self->events[i].data.fd;
        Slot *slot = slot_of(self, fd);
        int failed = slot && self->events[i].events == EPOLLIN
                         ? read_slot(self, slot, fd, count > BUSY_EVENTS, look, lost)
                         : add_rest(rest, &self->events[i]);
        if (failed) return 0;
    }
    if (self->reads != before) record_lag(self);
    return 1;
}

/* Most chunks concern nobody yet: it goes on reading until something does or the time is over. */
static PyObject *reader_wait(PyObject *object, PyObject *argument) {
    Reader *self = (Reader *)object;
    double seconds = PyFloat_AsDouble(argument);
    if (seconds == -1.0 && PyErr_Occurred()) return NULL;
    if (!(seconds > 0)) seconds = 0;
    if (seconds > 3600) seconds = 3600;
    double until = seconds > 0 ? monotonic() + seconds : 0;
    int timeout_ms = (int)(seconds * 1000 + 0.999);
    int count = poll_ms(self, timeout_ms);
    if (count < 0) return NULL;
    if (!count) Py_RETURN_NONE;
    PyObject *look = PyList_New(0), *lost = PyList_New(0), *rest = PyList_New(0);
    int worked = look && lost && rest && read_ready(self, count, look, lost, rest);
    while (worked && until && !PyList_Size(look) && !PyList_Size(lost) && !PyList_Size(rest)) {
        double left = until - monotonic();
        if (left <= 0) break;
        count = poll_ms(self, (int)(left * 1000 + 0.999));
        worked = count >= 0 && read_ready(self, count, look, lost, rest);
    }
    PyObject *result = worked ? PyTuple_Pack(3, look, lost, rest) : NULL;
    Py_XDECREF(look);
    Py_XDECREF(lost);
    Py_XDECREF(rest);
    return result;
}

static PyObject *reader_take_lags(PyObject *object, PyObject *nothing) {
    Reader *self = (Reader *)object;
    PyObject *counts = PyDict_New();
    for (int index = 0; counts && index < LAG_BUCKETS; index++) {
        if (!self->lags[index]) continue;
        PyObject *key = PyLong_FromLong(index), *value = PyLong_FromUnsignedLong(self->lags[index]);
        int failed = !key || !value || PyDict_SetItem(counts, key, value) < 0;
        Py_XDECREF(key);
        Py_XDECREF(value);
        if (failed) Py_CLEAR(counts);
        self->lags[index] = 0;
    }
    long long most = self->max_lag_ns;
    self->max_lag_ns = 0;
    return counts ? Py_BuildValue("(NL)", counts, most) : NULL;
}

/* ---------------------------------------------------------------- the type */

static PyObject *reader_attach(PyObject *object, PyObject *arguments) {
    Reader *self = (Reader *)object;
    PyObject *exchange, *buffer, *stamps, *ends;
    int fd;
    if (!PyArg_ParseTuple(arguments, "iOOOO", &fd, &exchange, &buffer, &stamps, &ends)) return NULL;
    if (fd < 0 || !PyByteArray_Check(buffer) || !PyByteArray_Check(stamps) || !PyByteArray_Check(ends)) {
        PyErr_SetString(PyExc_TypeError, "attach(fd, exchange, bytearray, bytearray, bytearray)");
        return NULL;
    }
    if (make_room(self, fd) < 0) return NULL;
    Slot *slot = PyMem_Calloc(1, sizeof *slot);
    if (!slot) return PyErr_NoMemory();
    Py_INCREF(slot->exchange = exchange);
    Py_INCREF(slot->buffer = buffer);
    Py_INCREF(slot->stamps = stamps);
    Py_INCREF(slot->ends = ends);
    slot->next = NOT_LOCATED;
    Slot *before = self->slots[fd];
    self->slots[fd] = slot;
    if (before) slot_free(before);
    Py_RETURN_NONE;
}

static PyObject *reader_detach(PyObject *object, PyObject *argument) {
    Reader *self = (Reader *)object;
    long fd = PyLong_AsLong(argument);
    if (fd == -1 && PyErr_Occurred()) return NULL;
    Slot *slot = fd < 0 || fd >= self->size ? NULL : self->slots[fd];
    if (slot) {
        self->slots[fd] = NULL;
        slot_free(slot);
    }
    Py_RETURN_NONE;
}

static PyObject *reader_set_mode(PyObject *object, PyObject *arguments) {
    int fd, mode;
    Py_ssize_t expected;
    if (!PyArg_ParseTuple(arguments, "iin", &fd, &mode, &expected)) return NULL;
    Slot *slot = slot_of((Reader *)object, fd);
    if (slot) {
        slot->mode = mode;
        slot->expected = expected;
        if (mode == CHUNKED && slot->next == NOT_LOCATED) locate_first_chunk(slot);
        if (mode == RECORDS) slot->next = 0;
    }
    Py_RETURN_NONE;
}

static PyObject *reader_new(PyTypeObject *type, PyObject *arguments, PyObject *names) {
    int epoll_fd;
    if (!PyArg_ParseTuple(arguments, "i", &epoll_fd)) return NULL;
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Reader *self = (Reader *)alloc(type, 0);
    if (!self) return NULL;
    self->epoll_fd = epoll_fd;
    self->events = PyMem_Malloc(MAX_EVENTS * sizeof *self->events);
    self->data = PyMem_Malloc(READ_BYTES);
    if (!self->events || !self->data) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

static void reader_dealloc(PyObject *object) {
    Reader *self = (Reader *)object;
    PyTypeObject *type = Py_TYPE(object);
    for (int fd = 0; fd < self->size; fd++)
        if (self->slots[fd]) slot_free(self->slots[fd]);
    PyMem_Free(self->slots);
    PyMem_Free(self->events);
    PyMem_Free(self->data);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"wait", reader_wait, METH_O, "wait(timeout_s): None, or (exchanges to look at, [(exchange, errno)], [(fd, mask)])"},
    {"take_lags", reader_take_lags, METH_NOARGS, "take_lags(): ({bucket: count}, maximum in nanoseconds) since the last call"},
    {"attach", reader_attach, METH_VARARGS, "attach(fd, exchange, buffer, stamps, ends): read this one here"},
    {"detach", reader_detach, METH_O, "detach(fd): no longer; unknown ones are fine"},
    {"set_mode", reader_set_mode, METH_VARARGS, "set_mode(fd, mode, expected_bytes): when a look is worth it"},
    {NULL, NULL, 0, NULL}};

static PyMemberDef members[] = {
    {"reads", T_LONGLONG, offsetof(Reader, reads), READONLY, "how many reads were kept"},
    {"bytes_in", T_LONGLONG, offsetof(Reader, bytes_in), READONLY, "how many bytes"},
    {"last_ns", T_LONGLONG, offsetof(Reader, last_ns), READONLY, "the stamp of the newest read, Unix nanoseconds"},
    {NULL, 0, 0, 0, NULL}};

static PyType_Slot slots[] = {{Py_tp_new, reader_new},         {Py_tp_dealloc, reader_dealloc},
                              {Py_tp_methods, methods},        {Py_tp_members, members},
                              {Py_tp_doc, "Reader(epoll_fd)"}, {0, NULL}};

static PyType_Spec spec = {
    .name = "app.loadgen._reader.Reader", .basicsize = sizeof(Reader), .flags = Py_TPFLAGS_DEFAULT, .slots = slots};

static int module_exec(PyObject *module) {
    PyObject *type = PyType_FromModuleAndSpec(module, &spec, NULL);
    if (!type) return -1;
    int failed = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return failed ? -1 : PyModule_AddIntConstant(module, "INTERFACE", INTERFACE);
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, module_exec}, {0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_reader", NULL, 0, NULL, module_slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__reader(void) { return PyModuleDef_Init(&definition); }

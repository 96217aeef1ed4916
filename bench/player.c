/*
 * Plays a plan (see plan.ts) against a server that speaks the ZooKeeper client protocol, and prints
 * one line of JSON: how many operations in how long, and how long each took.
 *
 *     cc -O2 -o player player.c && ./player 127.0.0.1:2181,127.0.0.1:2182 PLAN
 *
 * Connections are dealt to the servers in turn.
 *
 * One thread on epoll, closed loops of frames that are built in advance: of each request only the
 * xid is filled in, of each reply only the header is looked at. It knows nothing of paths and data.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CYCLE = 0, WATCH = 1, CONNECT = 2 };
enum { HEADER_BYTES = 16, READ_BYTES = 256 << 10, NOTIFICATION_XID = -1 };

/* A list of frames, each with its length in front, one after the other. */
struct frames {
  int count;
  uint8_t **at;
  int *bytes;
};

struct plan {
  int mode, connections, depth, warm_ms, measure_ms;
  int64_t operations_max; /* 0: as many as fit into the time */
  struct frames handshake, setup, *cycles, teardown;
  int cycle_count;
};

struct link {
  int fd, cycle, next, in_flight, waits_for_room;
  int32_t sent_xid, awaited_xid;
  uint64_t *sent_at; /* by xid, modulo depth */
  uint8_t *out;
  size_t out_start, out_end, out_room;
  uint8_t *in;
  size_t in_end, in_room;
  uint64_t opened_at;
};

enum { SERVERS_MAX = 16 };
static struct sockaddr_in servers[SERVERS_MAX];
static int server_count, dialled;
static struct plan plan;
static int poller;

/* Latencies in buckets that are never wider than 1/32 of their value. */
enum { STEPS = 32 };
static uint64_t buckets[64 * STEPS];
static uint64_t operations, failures, longest;
static int64_t issued;
static int first_failure, is_measuring;

static void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("player: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int32_t get_int(const uint8_t *bytes) {
  uint32_t value;
  memcpy(&value, bytes, 4);
  return (int32_t)ntohl(value);
}

static void put_int(uint8_t *bytes, int32_t value) {
  uint32_t wire = htonl((uint32_t)value);
  memcpy(bytes, &wire, 4);
}

static void *grown(void *array, size_t bytes) {
  void *larger = realloc(array, bytes);
  if (!larger) fail("out of memory");
  return larger;
}

/* The plan */

static uint8_t *cursor, *plan_end;

static int32_t take_int(void) {
  if (plan_end - cursor < 4) fail("the plan ends early");
  cursor += 4;
  return get_int(cursor - 4);
}

static struct frames take_frames(void) {
  struct frames frames = {.count = take_int()};
  frames.at = grown(NULL, sizeof *frames.at * ((size_t)frames.count + 1));
  frames.bytes = grown(NULL, sizeof *frames.bytes * ((size_t)frames.count + 1));
  for (int i = 0; i < frames.count; i++) {
    int length = take_int();
    if (length < 0 || length > plan_end - cursor) fail("the plan ends early");
    frames.at[i] = cursor - 4;
    frames.bytes[i] = length + 4;
    cursor += length;
  }
  return frames;
}

static void read_plan(const char *path) {
  int file = open(path, O_RDONLY);
  struct stat facts;
  if (file < 0 || fstat(file, &facts) < 0) fail("%s: %s", path, strerror(errno));
  cursor = grown(NULL, (size_t)facts.st_size + 1);
  plan_end = cursor + facts.st_size;
  for (uint8_t *to = cursor; to < plan_end;) {
    ssize_t count = read(file, to, (size_t)(plan_end - to));
    if (count <= 0) fail("%s: cannot be read", path);
    to += count;
  }
  close(file);
  plan.mode = take_int();
  plan.connections = take_int();
  plan.depth = take_int();
  plan.warm_ms = take_int();
  plan.measure_ms = take_int();
  plan.operations_max = take_int();
  plan.handshake = take_frames();
  plan.setup = take_frames();
  plan.cycle_count = take_int();
  plan.cycles = grown(NULL, sizeof *plan.cycles * (size_t)plan.cycle_count);
  for (int i = 0; i < plan.cycle_count; i++) plan.cycles[i] = take_frames();
  plan.teardown = take_frames();
}

/* Results */

static int bucket_of(uint64_t ns) {
  uint64_t value = ns | STEPS;
  int exponent = 63 - __builtin_clzll(value);
  return exponent * STEPS + (int)((value >> (exponent - 5)) & (STEPS - 1));
}

static double microseconds_of(int bucket) {
  int exponent = bucket / STEPS;
  uint64_t step = (uint64_t)(bucket % STEPS);
  return (double)((1ull << exponent) + (step << (exponent - 5))) / 1000;
}

static void done(uint64_t started_at, uint64_t ended_at, int error) {
  uint64_t ns = ended_at - started_at;
  if (!is_measuring) return;
  operations++;
  buckets[bucket_of(ns)]++;
  if (ns > longest) longest = ns;
  if (error && !failures++) first_failure = error;
}

static double percentile(double share) {
  uint64_t rank = (uint64_t)(share * (double)operations), seen = 0;
  for (int i = 0; i < 64 * STEPS; i++) {
    seen += buckets[i];
    if (buckets[i] && seen >= rank) return microseconds_of(i);
  }
  return 0;
}

static void report(uint64_t ns) {
  double seconds = (double)ns / 1e9;
  printf("{\"operations\":%llu,\"seconds\":%.3f,\"perSecond\":%.1f,\"failures\":%llu,"
         "\"firstFailure\":%d,\"p50Us\":%.1f,\"p99Us\":%.1f,\"p999Us\":%.1f,\"maxUs\":%.1f}\n",
         (unsigned long long)operations, seconds, (double)operations / seconds,
         (unsigned long long)failures, first_failure, percentile(0.5), percentile(0.99),
         percentile(0.999), (double)longest / 1000);
}

/* Connections */

static void write_all(int fd, const uint8_t *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(fd, bytes, count);
    if (written <= 0) fail("cannot send: %s", strerror(errno));
    bytes += written;
    count -= (size_t)written;
  }
}

/* Blocks; returns the frame's bytes, good until the next call. */
static const uint8_t *read_frame(int fd, int *bytes) {
  static uint8_t *frame;
  uint8_t length[4];
  for (size_t at = 0; at < 4;) {
    ssize_t count = read(fd, length + at, 4 - at);
    if (count <= 0) fail("the server has closed the connection");
    at += (size_t)count;
  }
  *bytes = get_int(length);
  frame = grown(frame, (size_t)*bytes + 1);
  for (int at = 0; at < *bytes;) {
    ssize_t count = read(fd, frame + at, (size_t)(*bytes - at));
    if (count <= 0) fail("the server has closed the connection");
    at += (int)count;
  }
  return frame;
}

static void check_handshake(const uint8_t *frame, int bytes) {
  if (bytes < 16 || get_int(frame + 4) <= 0) fail("the server gives no session");
}

static int dial(void) {
  struct sockaddr_in *server = &servers[dialled++ % server_count];
  int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) fail("no socket: %s", strerror(errno));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connect(fd, (struct sockaddr *)server, sizeof *server) < 0)
    fail("cannot connect: %s", strerror(errno));
  return fd;
}

static void open_link(struct link *link, int index) {
  int bytes;
  memset(link, 0, sizeof *link);
  link->cycle = index % plan.cycle_count;
  link->awaited_xid = 1;
  link->sent_at = grown(NULL, sizeof *link->sent_at * (size_t)plan.depth);
  link->in_room = READ_BYTES;
  link->in = grown(NULL, link->in_room);
  link->fd = dial();
  write_all(link->fd, plan.handshake.at[0], (size_t)plan.handshake.bytes[0]);
  const uint8_t *frame = read_frame(link->fd, &bytes);
  check_handshake(frame, bytes);
}

static void make_nonblocking(struct link *link) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = link};
  fcntl(link->fd, F_SETFL, O_NONBLOCK);
  epoll_ctl(poller, EPOLL_CTL_ADD, link->fd, &event);
}

/* Before and after the measured time: all frames of a list, a hundred at a time, on one connection. */
static void play_list(int fd, struct frames *list) {
  enum { WINDOW = 100 };
  int sent = 0, answered = 0, bytes;
  while (answered < list->count) {
    while (sent < list->count && sent - answered < WINDOW) {
      put_int(list->at[sent] + 4, sent + 1);
      write_all(fd, list->at[sent], (size_t)list->bytes[sent]);
      sent++;
    }
    const uint8_t *frame = read_frame(fd, &bytes);
    if (bytes < HEADER_BYTES || get_int(frame) != answered + 1) fail("a reply out of order");
    int error = get_int(frame + 12);
    if (error && error != -101 && error != -110) fail("step %d: error %d", answered + 1, error);
    answered++;
  }
}

/* Closed loops */

static void queue_frame(struct link *link, const uint8_t *frame, int bytes, uint64_t now) {
  if (link->out_end + (size_t)bytes > link->out_room) {
    link->out_room = (link->out_end + (size_t)bytes) * 2;
    link->out = grown(link->out, link->out_room);
  }
  uint8_t *to = link->out + link->out_end;
  memcpy(to, frame, (size_t)bytes);
  link->sent_xid = link->sent_xid == INT32_MAX ? 1 : link->sent_xid + 1;
  put_int(to + 4, link->sent_xid);
  link->sent_at[link->sent_xid % plan.depth] = now;
  link->out_end += (size_t)bytes;
  link->in_flight++;
}

static void fill(struct link *link, uint64_t now) {
  struct frames *cycle = &plan.cycles[link->cycle];
  while (link->in_flight < plan.depth) {
    if (plan.operations_max && issued >= plan.operations_max) return;
    issued++;
    queue_frame(link, cycle->at[link->next], cycle->bytes[link->next], now);
    if (++link->next == cycle->count) link->next = 0;
  }
}

static void flush(struct link *link) {
  while (link->out_start < link->out_end) {
    ssize_t written =
        write(link->fd, link->out + link->out_start, link->out_end - link->out_start);
    if (written < 0 && errno != EAGAIN) fail("cannot send: %s", strerror(errno));
    if (written < 0) break;
    link->out_start += (size_t)written;
  }
  int waits = link->out_start < link->out_end;
  if (!waits) link->out_start = link->out_end = 0;
  if (waits != link->waits_for_room) {
    struct epoll_event event = {.events = EPOLLIN | (waits ? EPOLLOUT : 0), .data.ptr = link};
    epoll_ctl(poller, EPOLL_CTL_MOD, link->fd, &event);
    link->waits_for_room = waits;
  }
}

static void on_reply(struct link *link, const uint8_t *frame, uint64_t now) {
  int32_t xid = get_int(frame);
  if (xid != link->awaited_xid) fail("reply %d where %d was due", xid, link->awaited_xid);
  link->awaited_xid = xid == INT32_MAX ? 1 : xid + 1;
  link->in_flight--;
  done(link->sent_at[xid % plan.depth], now, get_int(frame + 12));
}

/* Watches: once all are armed, one set; each notification is an operation, and arms again. */
static uint64_t fired_at;
static int armed;

static void on_watch_frame(struct link *link, const uint8_t *frame, uint64_t now) {
  if (get_int(frame) != NOTIFICATION_XID) {
    link->in_flight--;
    armed++;
    return;
  }
  done(fired_at, now, 0);
  queue_frame(link, plan.cycles[0].at[0], plan.cycles[0].bytes[0], now);
}

static void on_readable(struct link *link) {
  for (;;) {
    ssize_t count = read(link->fd, link->in + link->in_end, link->in_room - link->in_end);
    if (count == 0) fail("the server has closed a connection");
    if (count < 0 && errno == EAGAIN) return;
    if (count < 0) fail("cannot read: %s", strerror(errno));
    link->in_end += (size_t)count;
    uint64_t now = now_ns();
    size_t at = 0;
    while (link->in_end - at >= 4) {
      size_t bytes = (size_t)get_int(link->in + at) + 4;
      if (bytes > link->in_room) link->in = grown(link->in, link->in_room = bytes * 2);
      if (link->in_end - at < bytes) break;
      (plan.mode == WATCH ? on_watch_frame : on_reply)(link, link->in + at + 4, now);
      at += bytes;
    }
    int was_full = link->in_end == link->in_room;
    memmove(link->in, link->in + at, link->in_end - at);
    link->in_end -= at;
    if (!was_full) return;
  }
}

static void play_loops(void) {
  struct epoll_event events[256];
  struct link *links = grown(NULL, sizeof *links * ((size_t)plan.connections + 1));
  struct link *conductor = &links[plan.connections];
  poller = epoll_create1(0);
  open_link(conductor, 0);
  play_list(conductor->fd, &plan.setup);
  for (int i = 0; i < plan.connections; i++) {
    open_link(&links[i], i);
    make_nonblocking(&links[i]);
  }
  uint64_t from = now_ns() + (uint64_t)plan.warm_ms * 1000000u;
  uint64_t until = from + (uint64_t)plan.measure_ms * 1000000u, now = now_ns();
  is_measuring = now >= from;
  for (int i = 0; i < plan.connections; i++) {
    if (plan.mode == CYCLE) fill(&links[i], now);
    else queue_frame(&links[i], plan.cycles[0].at[0], plan.cycles[0].bytes[0], now);
    flush(&links[i]);
  }
  while ((now = now_ns()) < until) {
    if (!is_measuring && now >= from) {
      is_measuring = 1;
      from = now;
    }
    if (plan.operations_max && operations >= (uint64_t)plan.operations_max) break;
    if (plan.mode == WATCH && armed == plan.connections) {
      armed = 0;
      fired_at = now_ns();
      play_list(conductor->fd, &plan.cycles[1]);
    }
    int count = epoll_wait(poller, events, 256, 50);
    for (int i = 0; i < count; i++) {
      struct link *link = events[i].data.ptr;
      if (events[i].events & EPOLLIN) on_readable(link);
      if (plan.mode == CYCLE) fill(link, now_ns());
      flush(link);
    }
  }
  report(now_ns() - from);
  for (int i = 0; i <= plan.connections; i++) close(links[i].fd);
  /* The conductor's session may have expired meanwhile. */
  open_link(conductor, 0);
  play_list(conductor->fd, &plan.teardown);
  close(conductor->fd);
}

/* Sessions, opened and closed: `connections` times `depth` of them at a time. */
static void play_connects(void) {
  int at_once = plan.connections * plan.depth, bytes;
  struct { int fd; uint64_t opened_at; } *each = grown(NULL, sizeof *each * (size_t)at_once);
  struct frames *close_frame = &plan.cycles[0];
  uint64_t from = now_ns() + (uint64_t)plan.warm_ms * 1000000u;
  uint64_t until = from + (uint64_t)plan.measure_ms * 1000000u, now;
  while ((now = now_ns()) < until) {
    if (!is_measuring && now >= from) {
      is_measuring = 1;
      from = now;
    }
    for (int i = 0; i < at_once; i++) {
      each[i].opened_at = now_ns();
      each[i].fd = dial();
      write_all(each[i].fd, plan.handshake.at[0], (size_t)plan.handshake.bytes[0]);
    }
    for (int i = 0; i < at_once; i++) {
      const uint8_t *frame = read_frame(each[i].fd, &bytes);
      check_handshake(frame, bytes);
      done(each[i].opened_at, now_ns(), 0);
      write_all(each[i].fd, close_frame->at[0], (size_t)close_frame->bytes[0]);
    }
    for (int i = 0; i < at_once; i++) {
      uint8_t rest[256];
      while (read(each[i].fd, rest, sizeof rest) > 0) {}
      close(each[i].fd);
    }
  }
  report(now_ns() - from);
}

/* ADDRESS:PORT, several separated by commas. */
static void read_servers(char *text) {
  for (char *each = strtok(text, ","); each != NULL; each = strtok(NULL, ",")) {
    char *colon = strchr(each, ':');
    if (colon == NULL || server_count == SERVERS_MAX) fail("not a list of servers");
    *colon = 0;
    struct sockaddr_in *server = &servers[server_count++];
    server->sin_family = AF_INET;
    server->sin_port = htons((uint16_t)atoi(colon + 1));
    if (inet_pton(AF_INET, each, &server->sin_addr) != 1) fail("no IPv4 address");
  }
  if (server_count == 0) fail("no servers");
}

int main(int count, char **arguments) {
  if (count != 3) fail("usage: player ADDRESS:PORT,... PLAN");
  read_servers(arguments[1]);
  read_plan(arguments[2]);
  if (plan.mode == CONNECT) play_connects();
  else play_loops();
  return 0;
}

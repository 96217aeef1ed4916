/*
 * Preloaded into a server, it lets what must reach the medium fail: while the file that
 * ZABRA_SYNC_FAULT names exists with ".kept" or ".lost" appended, syncs and durable writes end with
 * EIO. With ".kept" the bytes of the write are in the file all the same, as after a failed
 * write-back; with ".lost" they are not.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

enum fault { NONE, KEPT, LOST };

static int is_there(const char *path, const char *suffix) {
  char name[4096];
  snprintf(name, sizeof name, "%s%s", path, suffix);
  return access(name, F_OK) == 0;
}

static enum fault fault(void) {
  const int saved = errno;
  const char *path = getenv("ZABRA_SYNC_FAULT");
  enum fault found = NONE;
  if (path != NULL) found = is_there(path, ".kept") ? KEPT : is_there(path, ".lost") ? LOST : NONE;
  errno = saved;
  return found;
}

static enum fault fault_of_write(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  return flags != -1 && (flags & O_DSYNC) != 0 ? fault() : NONE;
}

static int failed(void) {
  errno = EIO;
  return -1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define DURABLE_WRITE(name, type, many)                            \
  ssize_t name(int fd, type from, many count, off_t offset) {      \
    const enum fault now = fault_of_write(fd);                     \
    if (now == LOST) return failed();                              \
    const ssize_t written = REAL(name)(fd, from, count, offset);   \
    return now == KEPT ? failed() : written;                       \
  }

DURABLE_WRITE(pwrite, const void *, size_t)
DURABLE_WRITE(pwrite64, const void *, size_t)
DURABLE_WRITE(pwritev, const struct iovec *, int)
DURABLE_WRITE(pwritev64, const struct iovec *, int)

int fsync(int fd) { return fault() == NONE ? REAL(fsync)(fd) : failed(); }

int fdatasync(int fd) { return fault() == NONE ? REAL(fdatasync)(fd) : failed(); }

/* Preloaded into redis-server: sets its wall clock ahead by the nanoseconds in the file
   that REDISTEST_CLOCK names. Its monotonic clock stays right, as when a host's clock is
   set. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *ahead; /* NULL until the program has started */

__attribute__((constructor)) static void start(void) {
  const char *path = getenv("REDISTEST_CLOCK");
  int file = path ? open(path, O_RDONLY) : -1;
  if (file < 0)
    return;
  void *mapped = mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (mapped != MAP_FAILED)
    ahead = mapped;
}

int clock_gettime(clockid_t id, struct timespec *t) {
  int failed = (int)syscall(SYS_clock_gettime, id, t);
  if (!failed && ahead && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
    int64_t now = (int64_t)t->tv_sec * 1000000000 + t->tv_nsec + *ahead;
    t->tv_sec = now / 1000000000;
    t->tv_nsec = now % 1000000000;
  }
  return failed;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  t->tv_sec = now.tv_sec;
  t->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *t) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (t)
    *t = now.tv_sec;
  return now.tv_sec;
}

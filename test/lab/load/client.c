/*
 * Makes so many connections a second until it is told to end (SIGTERM), each of which sends a line and is to be answered
 * with one. Tells how it goes in lines "answered milliseconds", and at last in one line of JSON: see SteadyReport in
 * start-load.ts. What it falls behind it makes up for, as fast as `most` open connections allow.
 * Arguments: address, port, connections a second, most at a time, milliseconds after which one is lost.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 256, NAMES = 64, NAME_LENGTH = 64, FAILURES = 50, SLOW_MS = 1000, TELL_MS = 100 };
/* Why a connection failed, in the order of `words`. */
enum reason { REFUSED, RESET, TIMEOUT, OTHER, REASONS };

static const char *const words[REASONS] = {"refused", "reset", "timeout", "other"};

struct connection {
  int socket;
  bool connected;
  double since;
};

static struct connection open_ones[MOST];
static struct sockaddr_storage target;
static socklen_t target_length;
static int epoll, opened;
static long started, answered, slow, sent_again, failed[REASONS];
static double begin, slowest;
static struct { char name[NAME_LENGTH]; long count; } names[NAMES];
static struct { char text[160]; } failures[FAILURES];
static int kept_failures;
static volatile sig_atomic_t stopped;

static void stop(int signal) { (void)signal; stopped = 1; }

/* Milliseconds. */
static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void close_one(struct connection *one) {
  struct tcp_info info;
  socklen_t length = sizeof info;
  if (getsockopt(one->socket, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 && info.tcpi_total_retrans > 0) sent_again++;
  double took = now() - one->since;
  if (took > slowest) slowest = took;
  if (took >= SLOW_MS) slow++;
  close(one->socket);
  one->socket = -1;
  opened--;
}

static void fail(struct connection *one, const char *step, enum reason reason, const char *text) {
  failed[reason]++;
  if (kept_failures < FAILURES)
    snprintf(failures[kept_failures++].text, sizeof failures[0].text, "%.2f s: %s: %s after %.0f ms", (now() - begin) / 1e3,
             step, text, now() - one->since);
  close_one(one);
}

static void fail_with(struct connection *one, const char *step, int error) {
  enum reason reason = error == ECONNREFUSED                    ? REFUSED
                       : error == ECONNRESET || error == EPIPE ? RESET
                       : error == ETIMEDOUT                    ? TIMEOUT
                                                               : OTHER;
  fail(one, step, reason, strerror(error));
}

static void start_one(struct connection *one) {
  started++;
  opened++;
  one->since = now();
  one->connected = false;
  one->socket = socket(target.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (one->socket < 0) die("socket");
  struct epoll_event event = {.events = EPOLLOUT, .data.ptr = one};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, one->socket, &event) < 0) die("epoll_ctl");
  if (connect(one->socket, (struct sockaddr *)&target, target_length) < 0 && errno != EINPROGRESS)
    fail_with(one, "connect", errno);
}

static void connected(struct connection *one) {
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(one->socket, SOL_SOCKET, SO_ERROR, &error, &length) < 0) error = errno;
  if (error != 0) return fail_with(one, "connect", error);
  if (send(one->socket, "who\n", 4, MSG_NOSIGNAL) != 4) return fail_with(one, "send", errno);
  one->connected = true;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = one};
  if (epoll_ctl(epoll, EPOLL_CTL_MOD, one->socket, &event) < 0) die("epoll_ctl");
}

static void count_name(const char *name) {
  for (int at = 0; at < NAMES; at++) {
    if (names[at].count == 0) strcpy(names[at].name, name);
    if (strcmp(names[at].name, name) != 0) continue;
    names[at].count++;
    return;
  }
  fputs("more back ends than can be counted\n", stderr);
  exit(1);
}

static void receive(struct connection *one) {
  char line[NAME_LENGTH];
  ssize_t length = recv(one->socket, line, sizeof line, 0);
  if (length < 0 && errno == EAGAIN) return;
  if (length < 0) return fail_with(one, "answer", errno);
  if (length < 2 || line[length - 1] != '\n') return fail(one, "answer", OTHER, "closed without one");
  line[length - 1] = '\0';
  count_name(line);
  answered++;
  close_one(one);
}

static void serve_events(int wait) {
  struct epoll_event events[MOST];
  int count = epoll_wait(epoll, events, MOST, wait);
  if (count < 0 && errno != EINTR) die("epoll_wait");
  for (int at = 0; at < count; at++) {
    struct connection *one = events[at].data.ptr;
    if (one->connected) receive(one);
    else connected(one);
  }
}

static void tell_progress(void) {
  static double told;
  if (now() - told < TELL_MS) return;
  told = now();
  printf("%ld %.0f\n", answered, told - begin);
}

static void print_report(void) {
  printf("{\"attempts\":%ld,\"answered\":%ld,\"milliseconds\":%.0f,\"slow\":%ld,\"slowest\":%.0f,\"sentAgain\":%ld,\"failed\":{",
         started, answered, now() - begin, slow, slowest, sent_again);
  for (int at = 0; at < REASONS; at++) printf("%s\"%s\":%ld", at ? "," : "", words[at], failed[at]);
  printf("},\"byBackend\":{");
  for (int at = 0; at < NAMES && names[at].count > 0; at++) printf("%s\"%s\":%ld", at ? "," : "", names[at].name, names[at].count);
  printf("},\"failures\":[");
  for (int at = 0; at < kept_failures; at++) printf("%s\"%s\"", at ? "," : "", failures[at].text);
  printf("]}\n");
}

static void set_target(const char *address, int port) {
  struct sockaddr_in *v4 = (struct sockaddr_in *)&target;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&target;
  if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    target_length = sizeof *v4;
  } else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    target_length = sizeof *v6;
  } else {
    fprintf(stderr, "%s is no address\n", address);
    exit(1);
  }
}

int main(int count, char **args) {
  if (count != 6) return fputs("arguments: address port rate most patience\n", stderr), 1;
  set_target(args[1], atoi(args[2]));
  double rate = atof(args[3]) / 1e3;
  int most = atoi(args[4]) < MOST ? atoi(args[4]) : MOST;
  double patience = atof(args[5]);
  signal(SIGTERM, stop);
  setvbuf(stdout, NULL, _IOLBF, 0);
  if ((epoll = epoll_create1(EPOLL_CLOEXEC)) < 0) die("epoll_create1");
  for (int at = 0; at < MOST; at++) open_ones[at].socket = -1;
  begin = now();
  while (!stopped || opened > 0) {
    double due = (now() - begin) * rate;
    for (int at = 0; at < most; at++) {
      struct connection *one = &open_ones[at];
      if (one->socket >= 0 && now() - one->since > patience) fail(one, one->connected ? "answer" : "connect", TIMEOUT, "nothing");
      if (one->socket < 0 && !stopped && started <= due) start_one(one);
    }
    double rest = (started - (now() - begin) * rate) / rate;
    /* With all of them open only an answer, or that one is lost, leads on. */
    serve_events(stopped || opened == most || rest > 50 ? 50 : rest > 0 ? (int)rest + 1 : 0);
    tell_progress();
  }
  print_report();
  return 0;
}

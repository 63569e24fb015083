/*
 * Answers the first bytes of every TCP connection, of either family, with its name, and closes when the client has.
 * Arguments: the name, and the port to listen on.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 64, BACKLOG = 4096 };

static int epoll, listener;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void watch(int socket) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = socket};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) < 0) die("epoll_ctl");
}

static void listen_on(int port) {
  struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_ANY_INIT};
  int on = 1, off = 0;
  listener = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) die("socket");
  if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) die("SO_REUSEADDR");
  if (setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) < 0) die("IPV6_V6ONLY");
  if (bind(listener, (struct sockaddr *)&any, sizeof any) < 0) die("bind");
  if (listen(listener, BACKLOG) < 0) die("listen");
}

static void accept_all(void) {
  int client;
  while ((client = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) watch(client);
}

static void answer(int client, const char *name, size_t length) {
  char asked[64];
  ssize_t got = recv(client, asked, sizeof asked, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0 || send(client, name, length, MSG_NOSIGNAL) < 0) close(client);
}

int main(int count, char **args) {
  char name[64];
  if (count != 3) return fputs("arguments: name port\n", stderr), 1;
  int length = snprintf(name, sizeof name, "%s\n", args[1]);
  if (length >= (int)sizeof name) return fputs("the name is too long\n", stderr), 1;
  if ((epoll = epoll_create1(EPOLL_CLOEXEC)) < 0) die("epoll_create1");
  listen_on(atoi(args[2]));
  watch(listener);
  puts("listening");
  fflush(stdout);
  for (;;) {
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(epoll, events, EVENTS, -1);
    if (ready < 0 && errno != EINTR) die("epoll_wait");
    for (int at = 0; at < ready; at++) {
      if (events[at].data.fd == listener) accept_all();
      else answer(events[at].data.fd, name, (size_t)length);
    }
  }
}

/* The yardstick of bench_throughput: what a core can take when a reader does nothing but epoll_wait and recvmsg with
 * kernel stamps. Usage: bare_reader PORT STREAMS REQUESTS; prints seconds, CPU seconds and reads. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#define MOST_STREAMS 8192
#define SO_TIMESTAMPNS_64 35

static double seconds(int clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int count, char **arguments) {
    if (count != 4) return 2;
    int port = atoi(arguments[1]), streams = atoi(arguments[2]), requests = atoi(arguments[3]);
    if (streams < 1 || streams > MOST_STREAMS) return 2;
    const char *body = "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hello there\"}],\"stream\":true,"
                       "\"stream_options\":{\"include_usage\":true}}";
    char request[512];
    int length = snprintf(request, sizeof request,
                          "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                          "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int epoll = epoll_create1(0), one = 1, started = 0, done = 0;
    static int sockets[MOST_STREAMS];
    for (int i = 0; i < streams; i++) {
        int fd = sockets[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) return 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS_64, &one, sizeof one);
        fcntl(fd, F_SETFL, O_NONBLOCK);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
    double began = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (; started < streams && started < requests; started++)
        if (send(sockets[started], request, (size_t)length, 0) != length) return 1;
    static struct epoll_event events[4096];
    static char data[262144];
    long reads = 0;
    while (done < requests) {
        int ready = epoll_wait(epoll, events, 4096, -1);
        for (int i = 0; i < ready; i++) {
            char control[64];
            struct iovec part = {data, sizeof data};
            struct msghdr message = {
                .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
            ssize_t size = recvmsg(events[i].data.fd, &message, 0);
            if (size == 0) return 1;
            if (size < 0) continue;
            reads++;
            if (size < 5 || memcmp(data + size - 5, "0\r\n\r\n", 5)) continue;
            done++;
            if (started < requests) {
                started++;
                if (send(events[i].data.fd, request, (size_t)length, 0) != length) return 1;
            }
        }
    }
    printf("%.6f %.6f %ld\n", seconds(CLOCK_MONOTONIC) - began, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu, reads);
    return 0;
}

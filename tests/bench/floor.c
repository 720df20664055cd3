/* The floor: what the kernel asks for the same bytes on the same number of connections, and nothing else.
 *
 * `floor N` listens on a loopback port, says it, takes N connections and says "ready". Then it reads frames
 * (four bytes of length, most significant first, and the bytes) and sends each to everybody. After every frame
 * it says how many sends failed. It ends with its input.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int take(unsigned char *to, size_t length) {
    while (length > 0) {
        ssize_t got = read(0, to, length);
        if (got <= 0) return 0;
        to += got;
        length -= (size_t)got;
    }
    return 1;
}

int main(int count, char **arguments) {
    static unsigned char frame[1 << 20];
    unsigned char head[4];
    int n = count > 1 ? atoi(arguments[1]) : 0, on = 1;
    int *viewers = calloc((size_t)n, sizeof(int)), listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096)) return 1;
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (int i = 0; i < n; i++) {
        viewers[i] = accept(listener, NULL, NULL);
        if (viewers[i] < 0) return 1;
        setsockopt(viewers[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    printf("ready\n");
    fflush(stdout);
    while (take(head, 4)) {
        size_t length = (size_t)head[0] << 24 | head[1] << 16 | head[2] << 8 | head[3];
        int failed = 0;
        if (length > sizeof(frame) || !take(frame, length)) return 1;
        for (int i = 0; i < n; i++)
            if (send(viewers[i], frame, length, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)length) failed++;
        printf("%d\n", failed);
        fflush(stdout);
    }
    return 0;
}

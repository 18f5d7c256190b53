package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// attack is the behaviour of a hostile client, with one connection after the other.
type attack struct {
	name string
	// head is written once to each connection, and then more repeatedly at this interval, each time with another guess.
	head, more string
	every      time.Duration
	// deaf is set if the client reads no responses.
	deaf bool
	// answers are the allowed statuses; a connection that is cut off gets none.
	answers []int
}

// The tokens of both sides; shorter ones have to wait while others guess.
const (
	honestToken  = gatewayToken + "-that-nobody-guesses"
	hostileToken = spareToken + "-that-nobody-guesses"
)

// guess is replaced by a random text of the same length.
const guess = "xxxxxxxxxxxxxxxxxxxxxxxxxx"

// hostileRequest is a request of a hostile client with a token.
func hostileRequest(target, headers string) string {
	return "POST " + target + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + hostileToken + "\r\n" + headers + "\r\n"
}

// attacks are attacks by clients with a token and without one.
func attacks() []attack {
	const megabyte, line = 1 << 20, 64 << 10
	alerts := `{"version":"4","status":"firing","alerts":[{}` + strings.Repeat(`,{}`, 8*megabyte/3-20) + `]}`
	const login = "token=" + guess
	return []attack{
		{
			name: "headers that do not end", head: "GET /healthz HTTP/1.1\r\nHost: x\r\n",
			more: "X-Padding: " + strings.Repeat("x", 1000) + "\r\n", every: 50 * time.Millisecond,
			answers: []int{http.StatusRequestTimeout, http.StatusRequestHeaderFieldsTooLarge},
		},
		{
			name: "bodies that hardly come",
			head: hostileRequest("/v1/messages", "Content-Length: 8000000\r\n") + strings.Repeat(" ", megabyte), more: " ", every: time.Second,
			answers: []int{http.StatusRequestTimeout, http.StatusServiceUnavailable},
		},
		{
			name: "JSON of many things", every: time.Second,
			more:    hostileRequest("/v1/webhooks/alertmanager/ops?to_user=a", fmt.Sprintf("Content-Length: %d\r\n", len(alerts))) + alerts,
			answers: []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable, http.StatusRequestTimeout},
		},
		{
			name: "gettoken of nobody", head: "POST /cgi-bin/gettoken HTTP/1.1\r\nHost: x\r\nContent-Length: 64000\r\n\r\n" + strings.Repeat(" ", 63_000),
			more: " ", every: time.Second, answers: []int{http.StatusOK}, // with an errcode
		},
		{
			name: "lines that do not end", head: hostileRequest("/v1/messages:batch", "Transfer-Encoding: chunked\r\n"),
			more: fmt.Sprintf("%x\r\n%s\r\n", line, strings.Repeat(" ", line)), every: 50 * time.Millisecond,
			answers: []int{http.StatusRequestTimeout, http.StatusServiceUnavailable},
		},
		{
			name: "wrong tokens", more: "GET /v1/apps HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + guess + "\r\n\r\n", every: 25 * time.Millisecond,
			answers: []int{http.StatusUnauthorized, http.StatusTooManyRequests},
		},
		{
			name: "wrong logins", every: 25 * time.Millisecond,
			more:    fmt.Sprintf("POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", len(login), login),
			answers: []int{http.StatusUnauthorized, http.StatusTooManyRequests},
		},
		{
			name: "answers that nobody reads", more: "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n", every: 5 * time.Millisecond, deaf: true,
		},
	}
}

// siege is a number of hostile clients.
type siege struct {
	address string
	clients sync.WaitGroup

	mu          sync.Mutex
	connections map[string]int         // by attack
	cutOff      map[string]int         // of those that have ended, by attack
	answers     map[string]map[int]int // by attack, by status
}

// besiege starts n clients, which stop when ctx ends.
func besiege(ctx context.Context, address string, n int) *siege {
	s := &siege{address: address, connections: map[string]int{}, cutOff: map[string]int{}, answers: map[string]map[int]int{}}
	for i, all := 0, attacks(); i < n; i++ {
		a := all[i%len(all)]
		s.clients.Go(func() {
			for ctx.Err() == nil {
				s.connect(ctx, a)
			}
		})
	}
	return s
}

// connect makes one connection, and attacks until it is cut off.
func (s *siege) connect(ctx context.Context, a attack) {
	pause := time.NewTicker(a.every)
	defer pause.Stop()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.address)
	if err == nil {
		s.attack(ctx, conn, a, pause.C)
	}
	select { // clients that are cut off return at this interval
	case <-pause.C:
	case <-ctx.Done():
	}
}

func (s *siege) attack(ctx context.Context, conn net.Conn, a attack, pause <-chan time.Time) {
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() {
		stop()
		_ = conn.Close()
		<-ended
		s.count(func() { s.cutOff[a.name]++ })
	}()
	go func() {
		defer close(ended)
		if !a.deaf {
			s.listen(conn, a.name)
		}
	}()
	s.count(func() { s.connections[a.name]++ })
	_, err := io.WriteString(conn, a.head)
	for err == nil {
		_, err = io.WriteString(conn, strings.Replace(a.more, guess, rand.Text(), 1))
		select {
		case <-pause:
		case <-ctx.Done():
			return
		}
	}
}

// listen counts the responses on a connection.
func (s *siege) listen(conn net.Conn, name string) {
	reader := bufio.NewReader(conn)
	for {
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			return
		}
		s.count(func() {
			if s.answers[name] == nil {
				s.answers[name] = map[int]int{}
			}
			s.answers[name][response.StatusCode]++
		})
		_, err = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if err != nil {
			return
		}
	}
}

func (s *siege) count(one func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one()
}

// hasBegun reports whether each attack is in progress: it was answered, or cut off without a response.
func (s *siege) hasBegun() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !slices.ContainsFunc(attacks(), func(a attack) bool {
		return s.connections[a.name] == 0 || !a.deaf && len(s.answers[a.name]) == 0 && s.cutOff[a.name] == 0
	})
}

package redistest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Proxy imitates the proxy of a managed Redis before a [Server]: after a failover new connections lead to the
// new primary, and open ones stay with the old one.
type Proxy struct {
	tb       testing.TB
	target   string
	listener net.Listener

	mu     sync.Mutex
	open   map[net.Conn]*lead
	closed bool
}

// lead is a connection through a proxy.
type lead struct {
	mu      sync.Mutex
	refusal string // its reply from now on, empty for the server's
}

// Proxy starts a proxy before the server that ends with the test.
func (s *Server) Proxy() *Proxy {
	s.tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test's
	if err != nil {
		s.tb.Fatal(err)
	}
	p := &Proxy{tb: s.tb, target: s.Addr, listener: listener, open: map[net.Conn]*lead{}}
	go p.serve()
	s.tb.Cleanup(p.close)
	return p
}

// URL returns the proxy's address.
func (p *Proxy) URL() string { return "redis://" + p.listener.Addr().String() }

// Refuse answers every command on the open connections with an error, such as "ERR READONLY …". New connections
// lead to the server.
func (p *Proxy) Refuse(refusal string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.open {
		l.mu.Lock()
		l.refusal = refusal
		l.mu.Unlock()
	}
}

// Open is the number of open connections.
func (p *Proxy) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open)
}

func (p *Proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		if p.closed {
			_ = client.Close()
		} else {
			l := &lead{}
			p.open[client] = l
			go p.lead(client, l)
		}
		p.mu.Unlock()
	}
}

// lead passes on commands one by one and their replies as they come, until one side hangs up.
func (p *Proxy) lead(client net.Conn, l *lead) {
	defer func() {
		_ = client.Close()
		p.mu.Lock()
		delete(p.open, client)
		p.mu.Unlock()
	}()
	server, err := net.Dial("unix", p.target) //nolint:noctx // it ends with the test
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	go func() {
		_, _ = io.Copy(client, server)
		_ = client.Close()
	}()
	for commands := bufio.NewReader(client); ; {
		command, err := readCommand(commands)
		if err != nil {
			return
		}
		if err := l.answer(command, client, server); err != nil {
			return
		}
	}
}

func (l *lead) answer(command string, client, server io.Writer) error {
	l.mu.Lock()
	refusal := l.refusal
	l.mu.Unlock()
	if refusal != "" {
		_, err := fmt.Fprintf(client, "-%s\r\n", refusal)
		return err
	}
	_, err := io.WriteString(server, command)
	return err
}

// readCommand reads an array of bulk strings and returns its bytes.
func readCommand(r *bufio.Reader) (string, error) {
	var text strings.Builder
	size := func() (int, error) {
		line, err := r.ReadString('\n')
		if err != nil || len(line) < len("*1\r\n") {
			return 0, io.ErrUnexpectedEOF
		}
		text.WriteString(line)
		return strconv.Atoi(strings.TrimSpace(line[1:]))
	}
	parts, err := size()
	for ; err == nil && parts > 0; parts-- {
		var length int
		if length, err = size(); err == nil {
			_, err = io.CopyN(&text, r, int64(length)+int64(len("\r\n")))
		}
	}
	return text.String(), err
}

func (p *Proxy) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	_ = p.listener.Close()
	for client := range p.open {
		_ = client.Close()
	}
}

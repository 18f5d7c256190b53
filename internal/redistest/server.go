package redistest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/embedded"
)

// AppendOnly makes Start's server write every command to disk before answering,
// so that nothing answered is lost by Kill.
const AppendOnly = "appendonly yes\nappendfsync always"

const (
	binary = "redis-server"
	// startTimeout limits the start, which takes 7 ms on an idle machine.
	startTimeout = time.Minute
	// pollInterval is how often a starting server is checked for readiness.
	pollInterval = time.Millisecond
	// maxSocketPath is the capacity of sockaddr_un on macOS (104 bytes with the final NUL); Linux has 4 more.
	maxSocketPath = 103
)

// Server is a redis-server process that ends with its test.
type Server struct {
	// Dir holds the server's socket and its files, and is removed with the test.
	Dir string
	// Addr is the path of the unix socket, the same after a Restart.
	Addr string

	tb     testing.TB
	config string
	args   []string // of the binary, which reads config from its standard input
	env    []string // in addition to that of the test
	cmd    *exec.Cmd
	output *bytes.Buffer // of cmd; read it only once exited is closed
	exited chan struct{}
}

func startEmbedded(tb testing.TB) *embedded.Redis {
	tb.Helper()
	tb.Logf("%s is not installed, falling back to the embedded Redis", binary)
	server, err := embedded.Start()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(server.Close)
	return server
}

// Start starts a redis-server for this test. Each config is one or more lines of
// redis.conf that come after the defaults; see AppendOnly.
func Start(tb testing.TB, config ...string) *Server {
	tb.Helper()
	return start(tb, nil, config)
}

// start starts a redis-server with additions to its environment.
func start(tb testing.TB, env, config []string) *Server {
	tb.Helper()
	if missing(tb) {
		tb.Skipf("SKIPPED: this test needs %s; install it (apt-get install redis-server)", binary)
	}
	dir := tempDir(tb)
	s := &Server{Dir: dir, Addr: filepath.Join(dir, "s"), tb: tb, args: []string{"-"}, env: env}
	defaults := fmt.Sprintf("port 0\nunixsocket %q\ndir %q\nsave \"\"\ndaemonize no\n", s.Addr, s.Dir)
	s.config = defaults + strings.Join(config, "\n") + "\n"
	s.start()
	tb.Cleanup(s.Kill)
	return s
}

// URL returns the server's address as a URL of scheme unix.
func (s *Server) URL() string { return "unix://" + s.Addr }

// Client returns a new client of the server, closed with the test. It survives a
// Restart.
func (s *Server) Client() redis.UniversalClient {
	return newClient(s.tb, &redis.Options{Network: "unix", Addr: s.Addr})
}

// Kill ends the server like a power cut (SIGKILL) and waits for its end. It does nothing to a dead server.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill() // fails only if the process has already ended
	<-s.exited
}

// Restart kills the server and starts it again in the same place. Without
// AppendOnly it comes back empty.
func (s *Server) Restart() {
	s.tb.Helper()
	s.Kill()
	s.start()
}

// start runs the server and returns when it answers.
func (s *Server) start() {
	s.tb.Helper()
	s.output = new(bytes.Buffer)
	s.exited = make(chan struct{})
	s.cmd = exec.Command(binary, s.args...) //nolint:noctx,gosec // it lives until Kill, which cleanup calls; the arguments are ours
	s.cmd.Env = append(os.Environ(), s.env...)
	s.cmd.Stdin = strings.NewReader(s.config)
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	s.cmd.SysProcAttr = dieWithParent()
	if err := s.cmd.Start(); err != nil {
		s.tb.Fatalf("start %s: %v", binary, err)
	}
	go func(cmd *exec.Cmd, exited chan<- struct{}) {
		defer close(exited)
		_ = cmd.Wait() // always an error: it ends by a signal
	}(s.cmd, s.exited)
	if err := s.await(); err != nil {
		s.Kill()
		s.tb.Fatalf("start %s: %v\n%s", binary, err, s.output)
	}
}

// await returns nil once the server answers a PING. It does not use a client, because go-redis waits 100 ms
// after a refused dial.
func (s *Server) await() error {
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	timeout := time.After(startTimeout)
	for s.ping() != nil {
		select {
		case <-poll.C:
		case <-s.exited:
			return errors.New("the process ended")
		case <-timeout:
			return fmt.Errorf("no answer in %s", startTimeout)
		}
	}
	return nil
}

// ping checks whether the server is up and has loaded its data.
func (s *Server) ping() error {
	conn, err := net.DialTimeout("unix", s.Addr, time.Second) //nolint:noctx // a local socket, with a timeout
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	reply, err := bufio.NewReader(conn).ReadString('\n')
	if strings.HasPrefix(reply, "-LOADING") { // any other error, such as NOAUTH, is an answer
		return errors.New(reply)
	}
	return err
}

// missing reports whether there is no binary, and fails the test if CI is set.
func missing(tb testing.TB) bool {
	tb.Helper()
	_, err := exec.LookPath(binary)
	if err != nil && os.Getenv("CI") != "" {
		tb.Fatalf("CI is set, so %s must be installed (apt-get install redis-server): %v", binary, err)
	}
	return err != nil
}

// tempDir makes a directory whose path is short enough for a unix socket;
// tb.TempDir holds the test's name, which may be long.
func tempDir(tb testing.TB) string {
	tb.Helper()
	parent := os.TempDir()
	if len(parent) > maxSocketPath-len("/wecomq-0123456789/s") {
		parent = "/tmp"
	}
	dir, err := os.MkdirTemp(parent, "wecomq-") //nolint:usetesting // see above
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func newClient(tb testing.TB, opts *redis.Options) *redis.Client {
	tb.Helper()
	client := redis.NewClient(opts)
	tb.Cleanup(func() { _ = client.Close() })
	return client
}

package redisconn

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// DialError is returned for a Redis that cannot be used. Its text is one line that says what to try.
type DialError struct {
	// URL is the address, without passwords.
	URL string
	// Node is the address of the node of a cluster, otherwise empty.
	Node string
	// Reason is the cause and what to do, without passwords.
	Reason string
	// Err is the original error.
	Err error
}

// Error returns a line such as "redis at redis://127.0.0.1:6379/0: connection
// refused (is it running? …)".
func (e *DialError) Error() string {
	if e.Node != "" {
		return fmt.Sprintf("redis at %s, node %s: %s", e.URL, e.Node, e.Reason)
	}
	return fmt.Sprintf("redis at %s: %s", e.URL, e.Reason)
}

// Brief is the cause, without addresses, names or advice.
func (e *DialError) Brief() string {
	if brief, _, ok := strings.Cut(e.Reason, " ("); ok && !strings.ContainsAny(brief, `"/:`) {
		return "Redis: " + brief
	}
	return "Redis cannot be used"
}

// Unwrap returns the original error.
func (e *DialError) Unwrap() error { return e.Err }

// Explain turns the error of a first command, such as PING, into a DialError. It
// returns nil for nil.
func Explain(rawURL string, err error) error { return ExplainNode(rawURL, "", err) }

// ExplainNode does the same with the error of one node of a cluster.
func ExplainNode(rawURL, node string, err error) error {
	if err == nil {
		return nil
	}
	return &DialError{URL: Redact(rawURL), Node: node, Reason: reason(rawURL, err), Err: err}
}

func reason(rawURL string, err error) string {
	if reason := cmp.Or(sentinelReason(rawURL, err), replyReason(err)); reason != "" {
		return reason
	}
	var dns *net.DNSError
	var plain tls.RecordHeaderError
	switch {
	case errors.As(err, &plain):
		return "the port does not speak TLS (write redis instead of rediss)"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused (is it running? start it with redis-server, or try wecomq demo, which needs none)"
	case errors.Is(err, fs.ErrNotExist):
		return "no such socket (is it running, and does its config name this unixsocket?)"
	case errors.Is(err, fs.ErrPermission):
		return "permission denied (see unixsocketperm in the config of Redis)"
	case errors.As(err, &dns):
		return fmt.Sprintf("no address for host %q (check its name in the URL)", dns.Name)
	case isTimeout(err):
		return "no answer in time (check host, port and firewall; " + schemeHint(rawURL) + ")"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection closed at once (" + schemeHint(rawURL) + "; a Redis with too many connections needs a higher maxclients)"
	}
	return err.Error()
}

// schemeHint names the scheme that the URL lacks.
func schemeHint(rawURL string) string {
	scheme, _, _ := strings.Cut(rawURL, ":")
	if strings.HasPrefix(scheme, "rediss") {
		return "a port without TLS needs " + strings.Replace(scheme, "rediss", "redis", 1) + "://"
	}
	if !strings.HasPrefix(scheme, "redis") { // such as unix
		scheme = "redis"
	}
	return "a TLS port needs " + strings.Replace(scheme, "redis", "rediss", 1) + "://"
}

// refusals are the errors of a Redis that can be reached but does not work, by the first word of its reply.
var refusals = []struct{ prefix, reason string }{
	{"NOAUTH", "a password is required (write it into the URL: redis://:password@host:port)"},
	{"WRONGPASS", "wrong user name or password"},
	{"OOM", "full, it refuses writes (maxmemory is reached: raise it; queued messages are still sent, which frees memory if the queues filled it)"},
	{"READONLY", "a replica, it refuses writes (point the URL at the primary, or use redis-sentinel://)"},
	{"NOREPLICAS", "too few replicas, it refuses writes (bring them back, or lower min-replicas-to-write)"},
	{"MISCONF", "it cannot write to its disk and refuses writes (is the disk full? its log says more)"},
	{"LOADING", "it reads its data from disk (it answers when it is done)"},
	{"MASTERDOWN", "a replica that has lost its primary (bring the primary back)"},
	{"CLUSTERDOWN", "a part of the cluster is down (redis-cli cluster info says which)"},
	{"MOVED", "a slot of the cluster has just been moved (try again)"},
	{"ASK", "a slot of the cluster is being moved (wait; if that was interrupted, redis-cli --cluster fix ends it)"},
	{"TRYAGAIN", "a slot of the cluster is being moved (wait; if that was interrupted, redis-cli --cluster fix ends it)"},
}

// sentinelReason explains errors that only Sentinel causes, "" for anything else.
func sentinelReason(rawURL string, err error) string {
	text := strings.ReplaceAll(err.Error(), "\n", "; ") // one for each Sentinel
	switch u, _ := url.Parse(rawURL); {
	case u == nil || !strings.HasSuffix(u.Scheme, "-sentinel"):
		return ""
	case !strings.Contains(text, "all sentinels") && redis.HasErrorPrefix(err, "NOAUTH"):
		return "the server behind Sentinel requires a password (append &password= to the URL)"
	case !strings.Contains(text, "all sentinels"):
		return ""
	case strings.Contains(text, "NOAUTH"):
		return "Sentinel requires a password (its own stands before the host, redis-sentinel://:password@host:port; " +
			"&password= is that of the servers)"
	case strings.Contains(text, "WRONGPASS"):
		return "wrong user name or password of Sentinel (they stand before the host; &username= and &password= are those of the servers)"
	case errors.Is(err, redis.Nil):
		return fmt.Sprintf("Sentinel knows no master %q (correct master_name; SENTINEL MASTERS lists the names)", u.Query().Get("master_name"))
	}
	return "no Sentinel answers (check the addresses in the URL): " + text[strings.LastIndex(text, "unreachable: ")+len("unreachable: "):]
}

// replyReason explains error replies of a Redis that can be reached, "" for anything else.
func replyReason(err error) string {
	for _, refusal := range refusals {
		if redis.HasErrorPrefix(err, refusal.prefix) {
			return refusal.reason
		}
	}
	if redis.HasErrorPrefix(err, "NOPERM") {
		return fmt.Sprintf("the user may not do this (%v)", err)
	}
	return ""
}

func isTimeout(err error) bool {
	var netErr net.Error
	return errors.As(err, &netErr) && netErr.Timeout()
}

package redisconn

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"strings"

	"github.com/redis/go-redis/v9"
)

const (
	// connsPerCPU is go-redis's default pool size per CPU.
	connsPerCPU = 10
	// spareConns are for the rest of the process: each asynq server has a fetcher, a heartbeat and six more loops.
	spareConns = 16
	// idleConns is how many unused connections are kept. When a process with hundreds of apps starts, each of their
	// servers wants one at once; after that a few suffice, and each has 64 KB of buffers here, and memory in Redis.
	idleConns = 100
)

// errSyntax does not quote the URL: any part of one that cannot be parsed may be a part of the password.
var errSyntax = errors.New("not a URL (in a user name or password, write @ / ? # % : as %40 %2F %3F %23 %25 %3A)")

// Open returns a client for the URL; it connects with the first command. workers is the number of goroutines
// that use it concurrently. It determines the size of the connection pool, unless the URL has a pool_size.
func Open(rawURL string, workers int) (redis.UniversalClient, error) {
	open, err := parse(rawURL, workers)
	if err != nil {
		return nil, fmt.Errorf("redis url: %w", err)
	}
	return open(), nil
}

// Validate returns the error that Open would return.
func Validate(rawURL string) error {
	_, err := parse(rawURL, 0)
	return err
}

// split parses a URL and rejects one whose password, for lack of escaping, seems to reach into the path or the query.
func split(rawURL string) (*url.URL, error) {
	u, err := url.Parse(rawURL)
	if err != nil || strings.Contains(u.EscapedPath()+u.RawQuery+u.Fragment, "@") {
		return nil, errSyntax
	}
	return u, nil
}

// parse returns a function that opens the URL.
func parse(rawURL string, workers int) (func() redis.UniversalClient, error) {
	if !strings.Contains(rawURL, "://") {
		return nil, errors.New("no scheme (want something like redis://127.0.0.1:6379/0)")
	}
	u, err := split(rawURL)
	if err != nil {
		return nil, err
	}
	if strings.Contains(u.Host, ",") {
		return nil, errors.New("several hosts (write one, and each other one as ?addr=host:port)")
	}
	own := takeFiles(u)
	poolSize := max(workers+spareConns, connsPerCPU*runtime.GOMAXPROCS(0))
	scheme, kind, _ := strings.Cut(u.Scheme, "-")
	switch u.Scheme {
	case "redis", "rediss", "unix":
	case "redis-sentinel", "rediss-sentinel", "redis-cluster", "rediss-cluster":
		u.Scheme = scheme
	default:
		return nil, fmt.Errorf("unknown scheme %q (want redis, rediss, unix, redis-sentinel or redis-cluster)", u.Scheme)
	}
	if !isDatabase(u) { // the value is not quoted: it may be a password
		return nil, errors.New("the path is not the number of a database (want something like redis://127.0.0.1:6379/0)")
	}
	switch kind {
	case "sentinel":
		return sentinel(u, own, poolSize)
	case "cluster":
		return cluster(u, own, poolSize)
	default:
		return single(u, own, poolSize)
	}
}

func single(u *url.URL, own files, poolSize int) (func() redis.UniversalClient, error) {
	if u.Scheme == "unix" && (u.Host != "" || u.Path == "") {
		return nil, errors.New("not an absolute path (want three slashes: unix:///run/redis.sock)")
	}
	opts, err := redis.ParseURL(u.String())
	if err != nil {
		return nil, clean(err)
	}
	if opts.CredentialsProviderContext, err = own.apply(opts.TLSConfig, opts.Username, opts.Password); err != nil {
		return nil, err
	}
	opts.ContextTimeoutEnabled = true
	opts.PoolSize = cmp.Or(opts.PoolSize, poolSize)
	opts.MaxIdleConns = cmp.Or(opts.MaxIdleConns, max(idleConns, opts.MinIdleConns))
	return func() redis.UniversalClient { return watched(redis.NewClient(opts)) }, nil
}

func sentinel(u *url.URL, own files, poolSize int) (func() redis.UniversalClient, error) {
	opts, err := redis.ParseFailoverURL(u.String())
	if err != nil {
		return nil, clean(err)
	}
	if opts.MasterName == "" {
		return nil, errors.New("no master_name (append ?master_name= and the name that Sentinel knows)")
	}
	if opts.CredentialsProviderContext, err = own.apply(opts.TLSConfig, opts.Username, opts.Password); err != nil {
		return nil, err
	}
	opts.ContextTimeoutEnabled = true
	opts.PoolSize = cmp.Or(opts.PoolSize, poolSize)
	opts.MaxIdleConns = cmp.Or(opts.MaxIdleConns, max(idleConns, opts.MinIdleConns))
	opts.DialerRetries = cmp.Or(opts.DialerRetries, 1) // it queries Sentinel again with each
	return func() redis.UniversalClient { return watched(redis.NewFailoverClient(opts)) }, nil
}

// watched makes a client close its connections when the node says that it is the wrong one.
func watched(client *redis.Client) *redis.Client {
	client.AddHook(&renewal{})
	return client
}

// clean drops go-redis's own prefix: the caller says that the error is about Redis.
func clean(err error) error {
	return errors.New(strings.TrimPrefix(err.Error(), "redis: "))
}

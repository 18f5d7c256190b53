package redisconn_test

import (
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/redisconn"
)

func TestWeaknesses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		url  string
		want []string // how each begins
	}{
		"nothing on this host":               {"redis://127.0.0.1:6379/0", nil},
		"nor by another of its names":        {"redis://localhost", nil},
		"nor by IPv6":                        {"redis://[::1]:6379", nil},
		"nor by a socket":                    {"unix:///run/redis.sock", nil},
		"nor without a host":                 {"redis://:6379", nil},
		"nothing of what is not a URL":       {"redis://:hun/ter2@h", nil},
		"everything":                         {"redis://h:1", []string{"no TLS", "no password"}},
		"a user is no password":              {"rediss://bob@h:1", []string{"no password"}},
		"TLS and a password":                 {"rediss://:hunter2@h:1", nil},
		"a password in a file":               {"rediss://h:1?password_file=/run/secrets/redis", nil},
		"TLS that checks nothing":            {"rediss://:hunter2@10.0.0.7:1?skip_verify=true", []string{"skip_verify"}},
		"TLS that checks":                    {"rediss://:hunter2@10.0.0.7:1?skip_verify=false", nil},
		"another node of a cluster":          {"redis-cluster://:hunter2@127.0.0.1:1?addr=10.0.0.7:2", []string{"no TLS"}},
		"a cluster on this host":             {"redis-cluster://127.0.0.1:1?addr=127.0.0.1:2", nil},
		"a password of Sentinel alone":       {"rediss-sentinel://:hunter2@h:1?master_name=m", []string{"no password"}},
		"a password of the servers":          {"rediss-sentinel://h:1?master_name=m&password=hunter2", nil},
		"Sentinel in clear, with a password": {"redis-sentinel://h:1?master_name=m&password=hunter2", []string{"no TLS"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := redisconn.Weaknesses(tt.url)
			ok := len(found) == len(tt.want) && !strings.Contains(strings.Join(found, ""), "hunter2")
			for i := range min(len(found), len(tt.want)) {
				ok = ok && strings.HasPrefix(found[i], tt.want[i])
			}
			if !ok {
				t.Errorf("%s: %q, want what begins with %q", tt.url, found, tt.want)
			}
		})
	}
}

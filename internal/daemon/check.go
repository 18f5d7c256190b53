package daemon

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/wecom"
)

// Level is the severity of a [Finding].
type Level string

// The levels.
const (
	OK      Level = "ok"
	Warning Level = "warning"
	Fault   Level = "error"
)

// Finding is one result of a check.
type Finding struct {
	Subject string `json:"subject"`
	Level   Level  `json:"level"`
	Text    string `json:"text"`
}

// Check checks the config and Redis, and with online fetches an access token for each
// app. It sends no message.
func (d *Deployment) Check(ctx context.Context, online bool) []Finding {
	findings := []Finding{{"config", OK, "apps: " + strings.Join(d.Config.AppNames(), ", ")}}
	for _, warning := range d.Config.Warnings {
		findings = append(findings, Finding{"config", Warning, warning})
	}
	if err := d.Ping(ctx); err != nil {
		return append(findings, Finding{"redis", Fault, err.Error()})
	}
	if err := d.Ready(ctx); err != nil {
		findings = append(findings, Finding{"redis", Fault, err.Error()})
	}
	findings = append(findings, checkRedis(ctx, d.rdb)...)
	if online {
		findings = append(findings, d.checkApps(ctx)...)
	}
	return findings
}

// checkRedis compares the server's settings with what a queue needs.
func checkRedis(ctx context.Context, rdb redis.UniversalClient) []Finding {
	info := map[string]string{}
	text, err := rdb.Info(ctx, "server", "memory", "persistence").Result()
	if err != nil {
		return []Finding{{"redis", Warning, fmt.Sprintf("answers, but INFO is refused (%v): settings are not checked", err)}}
	}
	for line := range strings.Lines(text) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), ":"); found {
			info[name] = value
		}
	}
	findings := []Finding{checkVersion(info["redis_version"])}
	if policy := info["maxmemory_policy"]; policy != "noeviction" {
		findings = append(findings, Finding{"redis", Fault, fmt.Sprintf(
			"maxmemory-policy is %q: a full Redis would drop messages. Set maxmemory-policy noeviction", policy)})
	}
	if info["aof_enabled"] != "1" {
		findings = append(findings, Finding{
			"redis", Warning,
			"appendonly is off: a crash of Redis loses messages and records. Set appendonly yes",
		})
	}
	if limit := info["maxmemory"]; limit == "0" {
		findings = append(findings, Finding{
			"redis", Warning,
			"maxmemory is not set: when memory runs out, the kernel kills Redis. Set it below the machine's memory",
		})
	}
	return findings
}

// checkVersion requires Redis 6.2, or Valkey, which reports 7.2.4 at least.
func checkVersion(version string) Finding {
	var parts [2]int
	for i, part := range strings.SplitN(version, ".", 3) {
		if i < len(parts) {
			parts[i], _ = strconv.Atoi(part) // 0, which is too old, if it is not a number
		}
	}
	if parts[0] < 6 || parts[0] == 6 && parts[1] < 2 {
		return Finding{"redis", Fault, fmt.Sprintf("version %q is older than 6.2", version)}
	}
	return Finding{"redis", OK, "version " + version}
}

// checkApps checks the credentials of every app.
func (d *Deployment) checkApps(ctx context.Context) []Finding {
	var findings []Finding
	for _, app := range d.Apps() {
		client, err := d.plainClient(app, nil) // a shared token would prove nothing about the secret
		if err == nil {
			err = client.CheckToken(ctx)
		}
		f := Finding{"app " + app.Name, OK, "gettoken works"}
		if err != nil {
			f.Level, f.Text = Fault, wecom.WithHint(err)
		}
		findings = append(findings, f)
	}
	return findings
}

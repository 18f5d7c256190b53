package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/wecom"
)

// finding is one line of `wecomq check`.
type finding struct {
	Subject string `json:"subject"`
	Level   string `json:"level"` // ok, warning or error
	Text    string `json:"text"`
}

func newCheck(g *globals) *cobra.Command {
	var online bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check the config, Redis and the apps' credentials",
		Long: `Reads the config, asks Redis for its version and settings, and with --online lets
every app fetch an access token. Nothing is sent. Exits 2 when the config is wrong,
1 when anything else is.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runCheck(cmd.Context(), g, online)
		},
	}
	cmd.Flags().BoolVar(&online, "online", false, "call gettoken for every app")
	return cmd
}

func runCheck(ctx context.Context, g *globals, online bool) error {
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	findings := []finding{{"config", "ok", "apps: " + strings.Join(slices.Sorted(maps.Keys(cfg.Apps)), ", ")}}
	for _, warning := range cfg.Warnings {
		findings = append(findings, finding{"config", "warning", warning})
	}
	d, err := deploy(cfg, g.logger(cfg.Log.Level, cfg.Log.Format))
	if err != nil {
		return err
	}
	defer d.close()
	pingCtx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if err := d.reach(pingCtx); err != nil {
		findings = append(findings, finding{"redis", "error", err.Error()})
		return g.printFindings(findings)
	}
	if err := d.ready(ctx); err != nil {
		findings = append(findings, finding{"redis", "error", err.Error()})
	}
	findings = append(findings, checkRedis(ctx, d.rdb)...)
	if online {
		findings = append(findings, d.checkApps(ctx)...)
	}
	return g.printFindings(findings)
}

// printFindings fails when one of them is an error.
func (g *globals) printFindings(findings []finding) error {
	errs := 0
	for _, f := range findings {
		if f.Level == "error" {
			errs++
		}
		var err error
		if g.output == "json" {
			err = printJSON(g.stdout, f)
		} else {
			_, err = fmt.Fprintf(g.stdout, "%-8s %-12s %s\n", f.Level, f.Subject, f.Text)
		}
		if err != nil {
			return err
		}
	}
	if errs > 0 {
		return fmt.Errorf("check: errors found: %d", errs)
	}
	return nil
}

// checkRedis compares the server's settings with what a queue needs.
func checkRedis(ctx context.Context, rdb redis.UniversalClient) []finding {
	info := map[string]string{}
	text, err := rdb.Info(ctx, "server", "memory", "persistence").Result()
	if err != nil {
		return []finding{{"redis", "warning", fmt.Sprintf("answers, but INFO is refused (%v): settings are not checked", err)}}
	}
	for line := range strings.Lines(text) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), ":"); found {
			info[name] = value
		}
	}
	findings := []finding{checkVersion(info["redis_version"])}
	if policy := info["maxmemory_policy"]; policy != "noeviction" {
		findings = append(findings, finding{"redis", "error", fmt.Sprintf(
			"maxmemory-policy is %q: a full Redis would drop messages. Set maxmemory-policy noeviction", policy)})
	}
	if info["aof_enabled"] != "1" {
		findings = append(findings, finding{
			"redis", "warning",
			"appendonly is off: a crash of Redis loses messages and records. Set appendonly yes",
		})
	}
	if limit := info["maxmemory"]; limit == "0" {
		findings = append(findings, finding{
			"redis", "warning",
			"maxmemory is not set: a flood of messages ends in the kernel's hands. Set it below the machine's memory",
		})
	}
	return findings
}

// checkVersion wants Redis 6.2, or Valkey, which calls itself 7.2.4 at least.
func checkVersion(version string) finding {
	var parts [2]int
	for i, part := range strings.SplitN(version, ".", 3) {
		if i < len(parts) {
			parts[i], _ = strconv.Atoi(part) // not a number is too old
		}
	}
	if parts[0] < 6 || parts[0] == 6 && parts[1] < 2 {
		return finding{"redis", "error", fmt.Sprintf("version %q is older than 6.2", version)}
	}
	return finding{"redis", "ok", "version " + version}
}

// checkApps lets every app prove its credentials.
func (d *deployment) checkApps(ctx context.Context) []finding {
	var findings []finding
	for _, name := range slices.Sorted(maps.Keys(d.cfg.Apps)) {
		app := d.cfg.Apps[name]
		client, err := d.client(app, nil) // a token that is shared proves nothing about the secret
		if err == nil {
			err = client.CheckToken(ctx)
		}
		f := finding{"app " + app.Name, "ok", "gettoken works"}
		if err != nil {
			f.Level, f.Text = "error", withHint(err)
		}
		findings = append(findings, f)
	}
	return findings
}

// withHint adds what to do to an error of WeCom's.
func withHint(err error) string {
	if hint := wecom.HintOf(err); hint != "" {
		return err.Error() + ". " + hint
	}
	return err.Error()
}

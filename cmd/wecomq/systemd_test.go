package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const unitFile = "deploy/systemd/wecomq.service"

// unit returns the values of each key of the systemd unit.
func unit(t *testing.T) map[string][]string {
	t.Helper()
	values := map[string][]string{}
	for line := range strings.Lines(string(read(t, unitFile))) {
		line = strings.TrimSpace(line)
		if key, value, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			values[key] = append(values[key], value)
		}
	}
	return values
}

func TestUnitStopsAndReloadsAsTheProgramWants(t *testing.T) {
	t.Parallel()
	got := unit(t)
	for key, want := range map[string]string{
		"ExecStart":       "/usr/local/bin/wecomq serve --config /etc/wecomq/wecomq.yaml",
		"ExecReload":      "/bin/kill -HUP $MAINPID",
		"EnvironmentFile": "-/etc/wecomq/wecomq.env",
		"DynamicUser":     "yes",
		"NoNewPrivileges": "yes",
		"ProtectSystem":   "strict",
		"WantedBy":        "multi-user.target",
	} {
		if !slices.Equal(got[key], []string{want}) {
			t.Errorf("%s = %q, want %q", key, got[key], want)
		}
	}
	if stop, err := time.ParseDuration(strings.Join(got["TimeoutStopSec"], "") + "s"); err != nil || stop <= longestCall {
		t.Errorf("TimeoutStopSec is %s, want more than %s (%v)", stop, longestCall, err)
	}
}

// The script passes its arguments on, from any directory, with the unit's secrets.
func TestCommandsRunWithTheSecretsOfTheUnit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const fake = "#!/bin/sh\nprintf '%s\\n' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "systemd-run"), []byte(fake), 0o700); err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs(filepath.Join(repository, "deploy/systemd/wecomq-run"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), script, "send", "--text", "two words")
	cmd.Dir, cmd.Env = dir, []string{"PATH=" + dir + ":" + os.Getenv("PATH")}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	args := strings.Split(strings.TrimSpace(string(out)), "\n")
	for _, want := range []string{
		"--pipe", "--wait", "--same-dir", "--property=EnvironmentFile=" + unit(t)["EnvironmentFile"][0],
		"--setenv=WECOMQ_CONFIG=" + strings.Fields(unit(t)["ExecStart"][0])[3],
	} {
		if !slices.Contains(args, want) {
			t.Errorf("systemd-run is not given %s, but %q", want, args)
		}
	}
	if got := args[len(args)-4:]; !slices.Equal(got, []string{"/usr/local/bin/wecomq", "send", "--text", "two words"}) {
		t.Errorf("it runs %q", got)
	}
}

// systemd itself checks the unit, if it is installed: an unknown key is only a warning there, but an error here.
func TestSystemdTakesTheUnit(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("no systemd-analyze: what can be read from the unit is tested beside this")
		return
	}
	copied := filepath.Join(t.TempDir(), "wecomq.service")
	text := strings.ReplaceAll(string(read(t, unitFile)), "/usr/local/bin/wecomq", program(t))
	if err := os.WriteFile(copied, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), path, "verify", "--man=no", "--recursive-errors=no", copied).CombinedOutput()
	if err != nil || strings.Contains(string(out), "wecomq.service") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

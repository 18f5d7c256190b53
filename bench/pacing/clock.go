package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/wecomq/wecomq/bench/stage"
)

// clockVariable is read by a worker whose clock can be wrong.
const clockVariable = "PACING_CLOCK_ERROR"

// clockSource adds to Go's package time what it reads from the environment.
const clockSource = `package time

import "syscall"

var clockError = func() int64 {
	text, _ := syscall.Getenv("` + clockVariable + `")
	d, _ := ParseDuration(text)
	return int64(d / Second)
}()
`

// buildWithClock builds a wecomq that takes the error of its clock from the environment, and returns its path. A program
// that changes the clock of others cannot do so for one in Go, which asks the kernel without libc.
func buildWithClock(ctx context.Context, dir string) (string, error) {
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOROOT: %w", err)
	}
	source := filepath.Join(strings.TrimSpace(string(root)), "src", "time")
	now, err := os.ReadFile(filepath.Join(source, "time.go"))
	if err != nil {
		return "", err
	}
	const clock = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
	wrong := bytes.Replace(now, []byte(clock), []byte(clock+"\tsec += clockError\n"), 1)
	if len(wrong) == len(now) {
		return "", errors.New("-clock-error does not know the package time of this version of Go")
	}
	replace := map[string]string{}
	for name, text := range map[string][]byte{"time.go": wrong, "clock_error.go": []byte(clockSource)} {
		replace[filepath.Join(source, name)] = filepath.Join(dir, name)
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return "", err
		}
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := stage.WriteJSON(overlay, map[string]any{"Replace": replace}); err != nil {
		return "", err
	}
	return stage.Build(ctx, dir, "-overlay="+overlay)
}

// withClock is the command of the i-th worker, whose clock is wrong: the first one's is ahead, the next one's behind.
func (s settings) withClock(i int, path string, args []string) (string, []string) {
	if s.clockError == 0 {
		return path, args
	}
	wrong := s.clockError
	if i%2 == 1 {
		wrong = -wrong
	}
	return "env", append([]string{clockVariable + "=" + wrong.String(), path}, args...)
}

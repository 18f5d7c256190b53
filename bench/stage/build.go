package stage

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Build builds wecomq into dir, with these flags of go build, and returns its path. It is linked only once: unlike go
// build, go run keeps the program in the build cache.
func Build(ctx context.Context, dir string, flags ...string) (string, error) {
	path := filepath.Join(dir, "wecomq")
	args := append(append([]string{"run", "-exec", "cp"}, flags...), "github.com/wecomq/wecomq/cmd/wecomq", path)
	out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput() //nolint:gosec // flags and a directory of our own
	if err != nil {
		return "", fmt.Errorf("build wecomq: %w\n%s", err, out)
	}
	return path, nil
}

// WriteJSON writes a file of rules or settings: JSON is YAML, too.
func WriteJSON(path string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

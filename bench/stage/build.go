package stage

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Build builds wecomq into dir and returns its path.
func Build(ctx context.Context, dir string) (string, error) {
	const pkg = "github.com/wecomq/wecomq/cmd/wecomq"
	out, err := exec.CommandContext(ctx, "go", "build", "-o", dir, pkg).CombinedOutput() //nolint:gosec // a directory of our own
	if err != nil {
		return "", fmt.Errorf("build wecomq: %w\n%s", err, out)
	}
	return filepath.Join(dir, "wecomq"), nil
}

// WriteJSON writes a file of rules or settings: JSON is YAML, too.
func WriteJSON(path string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

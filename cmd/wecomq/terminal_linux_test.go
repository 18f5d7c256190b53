package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal returns a terminal, and the reader of its output.
func openTerminal(t *testing.T) (keyboard, screen *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("SKIPPED: there are no terminals here: %v", err)
	}
	t.Cleanup(func() { _ = keyboard.Close() })
	fd := int(keyboard.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	return keyboard, screen
}

// describe runs a command that prints this text on stdout, and one that prints it on stderr.
func describe(t *testing.T, stdout, stderr io.Writer) {
	t.Helper()
	env := environment{stdout: stdout, stderr: stderr, stdin: strings.NewReader(""), lookupEnv: func(name string) (string, bool) {
		value, ok := appVariables("http://127.0.0.1:1", "redis://127.0.0.1:1")[name]
		return value, ok
	}}
	if code := run(t.Context(), []string{"send", "--dry-run", "--to-user", "a", "--text", steering}, env); code != exitDone {
		t.Fatalf("exit code %d", code)
	}
	if code := run(t.Context(), []string{"-c", steering, "check"}, env); code != exitUsage {
		t.Fatalf("exit code %d", code)
	}
}

func TestWhatOthersWriteDoesNotSteerATerminal(t *testing.T) {
	t.Parallel()
	keyboard, screen := openTerminal(t)
	describe(t, screen, screen)
	if _, err := screen.WriteString("end of it"); err != nil {
		t.Fatal(err)
	}
	var shown []byte
	for buffer := make([]byte, 1024); !bytes.Contains(shown, []byte("end of it")); {
		n, err := keyboard.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		shown = append(shown, buffer[:n]...)
	}
	if text := string(shown); strings.Count(text, "ab2Jc") < 2 || strings.ContainsAny(text, "\u202e\u009b\u2066") {
		t.Errorf("the terminal gets %q", text)
	}
	var out, problems bytes.Buffer
	describe(t, &out, &problems)
	if !strings.Contains(out.String(), steering) {
		t.Errorf("what is no terminal gets %q", out.String())
	}
}

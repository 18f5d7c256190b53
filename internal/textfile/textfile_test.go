package textfile_test

import (
	"testing"

	"github.com/wecomq/wecomq/internal/textfile"
)

func TestWhatIsAroundATextIsTakenOff(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "secret": "secret", "\ufeffsecret\r\n": "secret", "\n \ufeff secret \n": "secret", "\ufeff": "", "a \ufeffb": "a \ufeffb",
	} {
		if got := textfile.Value(text); got != want {
			t.Errorf("the value of %q is %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{"": "", "a\n": "a\n", "\ufeffa\n": "a\n", "\ufeff\ufeffa": "\ufeffa", "a\ufeff": "a\ufeff"} {
		if got := string(textfile.TrimMark([]byte(text))); got != want {
			t.Errorf("%q without its mark is %q, want %q", text, got, want)
		}
	}
}

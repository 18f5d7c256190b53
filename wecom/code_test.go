package wecom_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/wecom"
)

var updateCodes = flag.Bool("update", false, "rewrite the golden files of errcodes")

func TestCodeTableMatchesGoldenFile(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, c := range wecom.Codes() {
		fmt.Fprintf(&got, "%d\t%s\t%s\t%s\t%s\n", c, c.Class(), c.Scope(), c.Meaning(), c.Hint())
	}
	const path = "testdata/codes.golden"
	if *updateCodes {
		if err := os.WriteFile(path, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("read golden file (run go test -update ./wecom): %v", err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("codes (-golden +now):\n%s", diff)
	}
}

// codesByClass was written from WeCom's table, not from this package's.
var codesByClass = map[wecom.Class][]wecom.Code{
	wecom.ClassOK:          {0},
	wecom.ClassTransient:   {-1, 6000, 81026},
	wecom.ClassRate:        {45009, 45011},
	wecom.ClassConcurrency: {45033},
	wecom.ClassToken:       {40014, 42001, 41001, 40001},
	wecom.ClassMedia:       {40007},
	wecom.ClassRecipient: {
		81013, 82001, 60111, 40003, 40031, 40032, 40066, 60003, 60123, 40068, 40070, 82002, 82003, 46004,
		60011, 60021, 50002, 92000, 43004, 82101, 82102, 701016, 701099, 86001, 86003, 86008, 40050, 49008,
	},
	wecom.ClassContent: {
		41006, 44004, 40008, 40033, 40035, 40058, 40063, 40039, 40094, 45034, 40074, 40127, 41010, 41016, 41033,
		45002, 45008, 45032, 40206, 82004, 85002, 40201, 40204,
		90200, 90201, 90202, 90203, 90204, 90206, 90207, 90208,
		42014, 42016, 42017, 42018, 42019, 42020,
		42027, 42028, 42029, 42030, 42031, 42033, 42035, 42036, 42037, 42038, 42039, 42040, 42041, 42042, 42043,
		42044, 42045, 42046, 42047, 42049, 42050, 42051,
		60140, 42052,
		40004, 40005, 40006, 40009, 40011, 40123, 44001, 45001, 45007, 301016, 301017,
	},
	wecom.ClassConfig: {
		40091, 40013, 2000002, 41002, 41004, 45031, 42015, 40056, 41011, 301002, 48001, 48002, 48004, 48005, 48006,
		50003, 50006, 60031, 60020, 43012, 60206, 60207, 60208, 301007, 93000, 93004, 93008,
	},
	wecom.ClassOther: {
		42007, 42009, 40082, 50001, 45047, 45010, 45015, 45024, 45026, 41048, 41063, 41094, 40128,
		301021, 301023, 301024, 84055, 84066, 90313, 301096, 640019, 701134, 95001, 43101,
	},
}

func TestEveryCodeOfTheSheetHasItsClass(t *testing.T) {
	t.Parallel()
	var listed []wecom.Code
	for class, codes := range codesByClass {
		listed = append(listed, codes...)
		for _, c := range codes {
			t.Run(fmt.Sprintf("%d is %s", c, class), func(t *testing.T) {
				t.Parallel()
				if !c.Known() {
					t.Fatal("the code has no row")
				}
				if got := c.Class(); got != class {
					t.Errorf("Class() = %s, want %s", got, class)
				}
			})
		}
	}
	slices.Sort(listed)
	if diff := cmp.Diff(listed, wecom.Codes()); diff != "" {
		t.Errorf("the sheet's codes and Codes() differ (-sheet +table):\n%s", diff)
	}
}

// configOfOneMessage are the settings that only some messages need: a mini program
// (48002), a callback URL (43012), more rights than a third-party app has (60206 to 60208).
var configOfOneMessage = []wecom.Code{43012, 48002, 60206, 60207, 60208}

func TestEveryCodeSaysWhatItConcerns(t *testing.T) {
	t.Parallel()
	for _, c := range wecom.Codes() {
		want := wecom.ScopeMessage
		switch c.Class() {
		case wecom.ClassRate, wecom.ClassConcurrency, wecom.ClassToken:
			want = wecom.ScopeApp
		case wecom.ClassConfig:
			if !slices.Contains(configOfOneMessage, c) {
				want = wecom.ScopeApp
			}
		default:
		}
		if got := c.Scope(); got != want {
			t.Errorf("%d concerns %q, want %q", c, got, want)
		}
	}
	if got := wecom.Code(123456).Scope(); got.String() != "" {
		t.Errorf("an unknown code concerns %q, want nothing", got)
	}
}

func TestEveryCodeExplainsItself(t *testing.T) {
	t.Parallel()
	for _, c := range wecom.Codes() {
		meaning, hint := c.Meaning(), c.Hint()
		if meaning == "" || strings.ContainsAny(meaning, "\n\t") || strings.HasSuffix(meaning, ".") {
			t.Errorf("%d: meaning %q is not one line without a full stop", c, meaning)
		}
		if !strings.HasSuffix(hint, ".") {
			t.Errorf("%d: hint %q is not a sentence", c, hint)
		}
		if strings.EqualFold(strings.TrimRight(hint, "."), meaning) {
			t.Errorf("%d: the hint only repeats the meaning %q", c, meaning)
		}
	}
}

func TestTheAdviceForAWrongSecretBeginsWithTheSecret(t *testing.T) {
	t.Parallel()
	if hint := wecom.Code(40001).Hint(); !strings.HasPrefix(hint, "Copy the secret again") {
		t.Errorf("the advice is %q", hint)
	}
}

func TestCodeIsAnErrorWithItsMeaning(t *testing.T) {
	t.Parallel()
	wrapped := fmt.Errorf("send: %w", wecom.Code(45009))
	if got, want := wrapped.Error(), "send: errcode 45009: API call frequency exceeded"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	if !errors.Is(wrapped, wecom.Code(45009)) {
		t.Error("errors.Is does not find the code")
	}
}

func TestUnknownCodeIsOtherAndSaysWhereToLook(t *testing.T) {
	t.Parallel()
	c := wecom.Code(123456)
	if c.Known() || c.Class() != wecom.ClassOther {
		t.Errorf("Known() = %v, Class() = %s", c.Known(), c.Class())
	}
	if got, want := c.Error(), "errcode 123456: unknown errcode"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	if !strings.Contains(c.Hint(), "devtool/query?e=123456") {
		t.Errorf("Hint() = %q does not name the query page", c.Hint())
	}
}

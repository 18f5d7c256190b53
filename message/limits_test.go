package message_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/samples"
	"github.com/wecomq/wecomq/internal/tolerance"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/wecom"
)

var overLimit = regexp.MustCompile(`\d+ (bytes|characters), \d+ more than WeCom's limit of (\d+) \((.+)\)`)

// The golden file has a line for each text of each message type: what is wrong when it is
// missing, and when it is too long, with WeCom's errcodes.
func TestTheLimitsOfEveryTextAreTheGoldenOnes(t *testing.T) {
	t.Parallel()
	var lines []string
	for _, sample := range samples.Messages() {
		kind := parse(t, sample).Type()
		for _, path := range textsOf(t, sample, kind) {
			growth := 4 << 10
			if strings.HasSuffix(path, "].content") {
				growth = message.MaxArticleBytes // of mpnews: all other limits are far below
			}
			missing, long := fault(t, sample, path, ""), fault(t, sample, path, sized(growth))
			line := withoutIndexes(path) + ": optional"
			if missing.Field != "" {
				line = fmt.Sprintf("%s: required (%d)", withoutIndexes(path), missing.Code())
			}
			if found := overLimit.FindStringSubmatch(long.Problem); found != nil {
				line += fmt.Sprintf(", over %s %s %s (%d)", found[2], found[1], found[3], long.Code())
			}
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	goldenText(t, "limits.golden", strings.Join(slices.Compact(lines), "\n"))
}

// What is refused here has the errcode that the simulator and the ingress of wecomq answer.
func TestFaultsHaveTheErrcodeOfTheSimulator(t *testing.T) {
	t.Parallel()
	judge := tolerance.Judge{Agent: func(tolerance.Object) error { return nil }}
	for _, sample := range samples.Messages() {
		for _, path := range textsOf(t, sample, parse(t, sample).Type()) {
			for _, growth := range []string{"", sized(4 << 10)} {
				body, err := tolerance.Parse([]byte(grown(t, sample, path, growth)))
				if err != nil {
					t.Fatal(err)
				}
				_, refusal := judge.Message(body)
				want, listed := errors.AsType[wecom.Code](refusal)
				if found := fault(t, sample, path, growth); listed && found.Code() != want {
					t.Errorf("%s of %d bytes more: %v has %d, the simulator answers %d", path, len(growth), found, found.Code(), want)
				}
			}
		}
	}
}

// fault is what is wrong with the text at the path after it has grown, or without it.
func fault(t *testing.T, sample, path, growth string) message.FieldError {
	t.Helper()
	invalid, _ := errors.AsType[*message.ValidationError](message.Validate(parse(t, grown(t, sample, path, growth))))
	if invalid != nil {
		for _, f := range invalid.Fields {
			if f.Field == path {
				return f
			}
		}
	}
	return message.FieldError{}
}

func grown(t *testing.T, sample, path, growth string) string {
	t.Helper()
	return changed(t, sample, func(at, text string) string {
		switch {
		case at != path:
			return text
		case growth == "":
			return ""
		}
		return text + growth
	})
}

// textsOf are the paths of the texts of a message's content.
func textsOf(t *testing.T, body string, kind message.Type) []string {
	t.Helper()
	var paths []string
	changed(t, body, func(path, text string) string {
		if strings.HasPrefix(path, string(kind)+".") {
			paths = append(paths, path)
		}
		return text
	})
	return paths
}

// changed is the body after change has seen each text of it.
func changed(t *testing.T, body string, change func(path, text string) string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatal(err)
	}
	after, err := json.Marshal(walk(v, "", change))
	if err != nil {
		t.Fatal(err)
	}
	return string(after)
}

func walk(v any, path string, change func(path, text string) string) any {
	switch v := v.(type) {
	case string:
		return change(path, v)
	case []any:
		for i := range v {
			v[i] = walk(v[i], path+"["+strconv.Itoa(i)+"]", change)
		}
	case map[string]any:
		for name := range v {
			v[name] = walk(v[name], strings.TrimPrefix(path+"."+name, "."), change)
		}
	}
	return v
}

var index = regexp.MustCompile(`\[\d+\]`)

func withoutIndexes(path string) string { return index.ReplaceAllString(path, "") }

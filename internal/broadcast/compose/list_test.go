package compose_test

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/message"
)

func TestRecipientsOfAJSONListBecomeCSV(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ recipients, want string }{
		"userids":                     {`["anna","bob"]`, "userid\nanna\nbob\n"},
		"objects":                     {`[{"userid":"anna","name":"徐静 🎉"},{"name":"x","userid":"bob"}]`, "name,userid\n徐静 🎉,anna\nx,bob\n"},
		"numbers, as they came":       {`[{"userid":"a","n":12.50},{"userid":7,"n":12345678901234567890}]`, "n,userid\n12.50,a\n12345678901234567890,7\n"},
		"what CSV would take apart":   {`[{"userid":"a","x":"1,\"2\"\r\n3"}]`, "userid,x\na,\"1,\"\"2\"\"\n3\"\n"},
		"of columns whose name is ''": {`[{"userid":"a","":"x"}]`, ",userid\nx,a\n"},
	} {
		list, err := compose.ListFromJSON(json.RawMessage(tc.recipients))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := io.ReadAll(list)
		if err != nil || string(got) != tc.want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, tc.want)
		}
	}
}

func TestRecipientsOfAJSONListThatAreRefused(t *testing.T) {
	t.Parallel()
	for recipients, want := range map[string]string{
		`"anna"`:                     "recipients: is not a list",
		`{"userid":"anna"}`:          "recipients: is not a list",
		`null`:                       "recipients: empty",
		`[]`:                         "recipients: empty",
		`[null]`:                     "recipients[0]: is neither a userid nor an object with one",
		`["anna",""]`:                "recipients[1]: is empty",
		`[{"userid":" ","name":""}]`: "recipients[0]: is empty",
		`["anna",7]`:                 "recipients[1]: is neither a userid nor an object with one",
		`["anna",["bob"]]`:           "recipients[1]: is neither a userid nor an object with one",
		`[{"name":"x"}]`:             "recipients[0]: is neither a userid nor an object with one",
		`[{"userid":"a","x":"1"},{"userid":"b"}]`: `recipients[1]: has no "x"`,
		`[{"userid":"a","x":"1"},"b"]`:            `recipients[1]: has no "x"`,
		`["a",{"userid":"b","x":"1"}]`:            "recipients[1]: has 2 members",
		`[{"userid":"a","x":true}]`:               "recipients[0].x: is neither a text nor a number",
		`[{"userid":["a"]}]`:                      "recipients[0].userid: is neither a text nor a number",
	} {
		_, err := compose.ListFromJSON(json.RawMessage(recipients))
		if _, invalid := errors.AsType[*message.ValidationError](err); !invalid || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", recipients, err, want)
		}
	}
}

// Lines of the list are told as the recipients' numbers, though a cell may have several.
func TestProblemsOfAJSONListHaveTheNumbersOfItsRecipients(t *testing.T) {
	t.Parallel()
	list, err := compose.ListFromJSON(json.RawMessage(`[{"userid":"a","x":"1\n2\n3"},{"userid":"b","x":"\r\n"},{"userid":"c","x":""}]`))
	if err != nil {
		t.Fatal(err)
	}
	problems := []compose.Problem{{Line: 2}, {Line: 5}, {Line: 7}, {Line: 1}}
	duplicates := []compose.Duplicate{{Line: 7, FirstLine: 2}}
	list.Number(problems, duplicates)
	if diff := cmp.Diff([]compose.Problem{{Line: 1}, {Line: 2}, {Line: 3}, {Line: 1}}, problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]compose.Duplicate{{Line: 3, FirstLine: 1}}, duplicates); diff != "" {
		t.Errorf("duplicates (-want +got):\n%s", diff)
	}
}

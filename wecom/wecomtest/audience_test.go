package wecomtest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// company has members, strangers, groups and people without a licence.
var company = wecomtest.Rules{
	Members:    []string{"Chen.Li", "wang_wu", "ops-*"},
	Invisible:  []string{"ops-gone", "hidden"},
	Unlicensed: []string{"temp*"},
	Parties:    map[string][]string{"12": {"Zhao.Min", "chen.li", "hidden", "temp02"}, "13": {}},
	Tags:       map[string][]string{"3": {"qian.yi"}},
}

// audienceCase is a message to some recipients and what becomes of them.
type audienceCase struct {
	rules   wecomtest.Rules
	members string // of the body
	code    wecom.Code
	to      []string
	users   string // invaliduser as it stands in the answer
	want    answer
}

func testAudiences(t *testing.T, cases map[string]audienceCase) {
	t.Helper()
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, tc.rules)
			a := b.send(`{` + tc.members + `,"msgtype":"text","agentid":1000002,"text":{"content":"x"}}`)
			b.wantCode(a, tc.code)
			if got := string(a.InvalidUser); got != tc.users {
				t.Errorf("invaliduser = %s, want %s", got, tc.users)
			}
			opts := cmpopts.IgnoreFields(answer{}, "ErrCode", "ErrMsg", "MsgID", "InvalidUser")
			if diff := cmp.Diff(tc.want, a, opts); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if tc.code != 0 {
				if n := len(b.Messages()); n != 0 {
					t.Errorf("%d messages arrived", n)
				}
				return
			}
			if diff := cmp.Diff(tc.to, b.last().To, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("delivered to (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUserIDsAreSortedOut(t *testing.T) {
	t.Parallel()
	testAudiences(t, map[string]audienceCase{
		"userids compare without case": {
			rules: company, members: `"touser":"CHEN.LI|Ops-1"`, to: []string{"chen.li", "ops-1"},
		},
		"blanks and repeats do not count": {
			rules: company, members: `"touser":" chen.li | |Chen.Li|"`, to: []string{"chen.li"},
		},
		"strangers are listed in lower case": {
			rules: company, members: `"touser":"chen.li|Old_User|ops-gone|bad id"`,
			to: []string{"chen.li"}, users: `"old_user|ops-gone|bad id"`,
		},
		"all invalid is refused with the list": {
			rules: company, members: `"touser":"Old_User|hidden"`, code: 81013, users: `"old_user|hidden"`,
		},
		"parties and tags bring their members": {
			rules: company, members: `"touser":"chen.li","toparty":"12","totag":"3"`,
			to: []string{"chen.li", "zhao.min", "qian.yi"}, want: answer{Unlicensed: "temp02"},
		},
		"members of groups are members": {
			rules: company, members: `"touser":"zhao.min"`, to: []string{"zhao.min"},
		},
	})
}

func TestGroupsAndLicencesAreSortedOut(t *testing.T) {
	t.Parallel()
	testAudiences(t, map[string]audienceCase{
		"unknown groups are listed": {
			rules: company, members: `"touser":"chen.li","toparty":"99|13","totag":"x"`,
			to: []string{"chen.li"}, want: answer{InvalidParty: "99", InvalidTag: "x"},
		},
		"unknown groups alone are refused": {
			rules: company, members: `"toparty":"99","totag":"4"`, code: 81013,
			want: answer{InvalidParty: "99", InvalidTag: "4"},
		},
		"an empty party is a recipient": {
			rules: company, members: `"toparty":"13"`,
		},
		"@all is everyone known and nothing else": {
			rules: company, members: `"touser":"@all","toparty":"99"`,
			to: []string{"chen.li", "qian.yi", "wang_wu", "zhao.min"}, want: answer{Unlicensed: "temp02"},
		},
		"without lists anyone well-formed exists": {
			members: `"touser":"anyone|-x|` + "\u4e2d" + `","toparty":"7|x","totag":"8"`,
			to:      []string{"anyone"}, users: `"-x|` + "\u4e2d" + `"`, want: answer{InvalidParty: "x"},
		},
		"unlicensed members are listed and get nothing": {
			rules:   wecomtest.Rules{Unlicensed: []string{"temp*"}},
			members: `"touser":"temp01|chen.li"`, to: []string{"chen.li"}, want: answer{Unlicensed: "temp01"},
		},
		"unlicensed members alone are no error": {
			rules:   wecomtest.Rules{Unlicensed: []string{"temp*"}},
			members: `"touser":"temp01"`, want: answer{Unlicensed: "temp01"},
		},
	})
}

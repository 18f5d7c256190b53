package wecom_test

import (
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

func TestAgent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rules wecomtest.Rules
		fault wecomtest.Fault
		id    string
		want  *wecom.Agent
		code  wecom.Code
	}{
		"of a company that nobody has described": {id: "1000002", want: &wecom.Agent{Name: "simulated app 1000002", Departments: 1}},
		"of some people": {
			rules: wecomtest.Rules{Members: []string{"a", "b"}, Parties: map[string][]string{"7": {"c"}}, Tags: map[string][]string{"3": {"a"}, "4": {"b"}}},
			id:    "1000002", want: &wecom.Agent{Name: "simulated app 1000002", Users: 2, Departments: 1, Tags: 2},
		},
		"of another secret":           {id: "1000003", code: 301002},
		"that is no number":           {id: "ops", code: 40056},
		"from an untrusted address":   {id: "1000002", fault: wecomtest.Fault{API: "agent/get", ErrCode: 60020}, code: wecom.CodeIPNotTrusted},
		"with a token that has ended": {id: "1000002", fault: wecomtest.Fault{API: "agent/get", ErrCode: 42001, Times: 1}, want: &wecom.Agent{Name: "simulated app 1000002", Departments: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, err := wecomtest.New(tc.rules)
			if err != nil {
				t.Fatal(err)
			}
			if tc.fault.API != "" {
				if err := sim.AddFault(tc.fault); err != nil {
					t.Fatal(err)
				}
			}
			server := httptest.NewServer(sim)
			t.Cleanup(server.Close)
			client, err := wecom.NewClient(wecom.Config{CorpID: wecomtest.CorpID, Secret: wecomtest.Secret, BaseURL: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			got, err := client.Agent(t.Context(), tc.id)
			if diff := cmp.Diff(tc.want, got); diff != "" || (err == nil) != (tc.code == 0) || tc.code != 0 && !errors.Is(err, tc.code) {
				t.Errorf("error %v, want errcode %d; agent (-want +got):\n%s", err, tc.code, diff)
			}
		})
	}
}

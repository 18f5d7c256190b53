package wecom

import (
	"context"
	"net/http"
	"net/url"
)

// APIAgentGet is the path of [Client.Agent], below /cgi-bin/.
const APIAgentGet = "agent/get"

// Agent is WeCom's information about an application.
type Agent struct {
	Name     string
	Disabled bool // an administrator has switched it off
	// Users, Departments and Tags are the numbers of each within its visible range.
	Users, Departments, Tags int
}

// Agent asks WeCom about the client's application (90227). It sends no message, and verifies more than
// gettoken does: that the agentid belongs to the secret (301002), and that this host's address is trusted
// (60020).
func (c *Client) Agent(ctx context.Context, agentID string) (*Agent, error) {
	var reply struct {
		Name  string `json:"name"`
		Close int    `json:"close"`
		Users struct {
			List []struct{} `json:"user"`
		} `json:"allow_userinfos"`
		Departments struct {
			List []int64 `json:"partyid"`
		} `json:"allow_partys"`
		Tags struct {
			List []int64 `json:"tagid"`
		} `json:"allow_tags"`
	}
	err := c.withToken(ctx, func(token Secret) error {
		query := url.Values{"access_token": {string(token)}, "agentid": {agentID}}
		return c.call(ctx, http.MethodGet, APIAgentGet, query, "", nil, &reply)
	})
	if err != nil {
		return nil, err
	}
	return &Agent{
		Name: reply.Name, Disabled: reply.Close != 0,
		Users: len(reply.Users.List), Departments: len(reply.Departments.List), Tags: len(reply.Tags.List),
	}, nil
}

package wecomtest

import (
	"slices"
	"strconv"

	"github.com/wecomq/wecomq/wecom"
)

// rootDepartment contains the whole company.
const rootDepartment = 1

type agentReply struct {
	status
	AgentID int64  `json:"agentid"`
	Name    string `json:"name"`
	Close   int    `json:"close"`
	Users   struct {
		List []agentUser `json:"user"`
	} `json:"allow_userinfos"`
	Departments struct {
		List []int64 `json:"partyid"`
	} `json:"allow_partys"`
	Tags struct {
		List []int64 `json:"tagid"`
	} `json:"allow_tags"`
}

type agentUser struct {
	UserID string `json:"userid"`
}

// agent serves agent/get (page 90227). The visible range is that of the rules, or the whole company if they
// name no members.
func (s *Simulator) agent(c *call) (reply, error) {
	id, err := strconv.ParseInt(c.r.URL.Query().Get("agentid"), 10, 64)
	switch {
	case err != nil:
		return nil, wecom.Code(40056)
	case id != c.app.agentID:
		return nil, wecom.Code(301002)
	}
	rep := &agentReply{AgentID: id, Name: "simulated app " + strconv.FormatInt(id, 10)}
	for _, user := range c.dir.rules.Members {
		rep.Users.List = append(rep.Users.List, agentUser{user})
	}
	rep.Departments.List = numbers(c.dir.parties)
	rep.Tags.List = numbers(c.dir.tags)
	if c.dir.members.empty() {
		rep.Departments.List = []int64{rootDepartment}
	}
	return rep, nil
}

// numbers returns the ids of departments or tags, sorted.
func numbers(groups map[string][]string) []int64 {
	var ids []int64
	for name := range groups {
		if id, err := strconv.ParseInt(name, 10, 64); err == nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

package config

// PersonPrefix begins the names of people, which no token may have: what a token has sent is
// not theirs.
const PersonPrefix = "user:"

// Everybody is the group of all whom the proxy lets in.
const Everybody = "*"

// Login is how people get in without a token: a trusted proxy has logged them in, and says
// who they are.
type Login struct {
	ProxyHeader  string // has the name
	GroupsHeader string // has the groups, separated by commas; "" for none
	Groups       []Group
}

// Group is what its members may do. Of several, the first in the config counts.
type Group struct {
	Name   string
	Apps   []string
	Scopes []Scope
}

func readLogin(s *section, apps []string, proxies int) *Login {
	if len(s.entries) == 0 {
		return nil
	}
	login := &Login{ProxyHeader: required(s, "proxy_header", headerName), GroupsHeader: optional(s, "groups_header", "", headerName)}
	for _, item := range s.sections("groups") {
		login.Groups = append(login.Groups, Group{
			Name: required(item, "group", nonEmpty[string]), Apps: readWords(item, "apps", apps), Scopes: readWords(item, "scopes", Scopes()),
		})
		item.rejectUnknown()
	}
	if len(login.Groups) == 0 {
		s.fail(s.at("groups"), "missing (say what at least one group may do; %q is everybody)", Everybody)
	}
	if proxies == 0 {
		s.fail(s.place, "nobody is trusted to log people in (list the proxy in gateway.trusted_proxies)")
	}
	s.rejectUnknown()
	return login
}

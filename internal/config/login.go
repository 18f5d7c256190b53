package config

// PersonPrefix begins the names of people. No token may have such a name: its messages would count as the person's.
const PersonPrefix = "user:"

// Everybody is the group of everybody whom the proxy lets in.
const Everybody = "*"

// Login configures logins without a token: a trusted proxy authenticates users, and names them in a header.
type Login struct {
	ProxyHeader  string // has the name
	GroupsHeader string // has the groups, separated by commas; "" for none
	Groups       []Group
}

// Group has the permissions of its members. Of several groups, the first in the config counts.
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

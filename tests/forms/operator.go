// What the operator signs of each card on standard input (one a line, as a JSON string), a line
// each: the bytes in base64, or "- " and why it signs none.
//
// The structs have the members, types and tags of AgentCardData in the operator's
// api/v1alpha1/agentcard_types.go. As internal/signature does: encoding/json reads and writes the
// struct, what is empty is removed, and keys are sorted by their bytes.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"
)

type provider struct {
	Organization string `json:"organization,omitempty"`
	URL          string `json:"url,omitempty"`
}

type extension struct {
	URI         string                     `json:"uri,omitempty"`
	Description string                     `json:"description,omitempty"`
	Required    *bool                      `json:"required,omitempty"`
	Params      map[string]json.RawMessage `json:"params,omitempty"`
}

type capabilities struct {
	Streaming         *bool       `json:"streaming,omitempty"`
	PushNotifications *bool       `json:"pushNotifications,omitempty"`
	Extensions        []extension `json:"extensions,omitempty"`
}

type parameter struct {
	Name        string `json:"name,omitempty"`
	Type        string `json:"type,omitempty"`
	Description string `json:"description,omitempty"`
	Required    *bool  `json:"required,omitempty"`
	Default     string `json:"default,omitempty"`
}

type skill struct {
	ID          string      `json:"id,omitempty"`
	Name        string      `json:"name,omitempty"`
	Description string      `json:"description,omitempty"`
	Tags        []string    `json:"tags,omitempty"`
	Examples    []string    `json:"examples,omitempty"`
	InputModes  []string    `json:"inputModes,omitempty"`
	OutputModes []string    `json:"outputModes,omitempty"`
	Parameters  []parameter `json:"parameters,omitempty"`
}

type card struct {
	Name               string        `json:"name,omitempty"`
	Description        string        `json:"description,omitempty"`
	Version            string        `json:"version,omitempty"`
	URL                string        `json:"url,omitempty"`
	DocumentationURL   string        `json:"documentationUrl,omitempty"`
	IconURL            string        `json:"iconUrl,omitempty"`
	Provider           *provider     `json:"provider,omitempty"`
	Capabilities       *capabilities `json:"capabilities,omitempty"`
	DefaultInputModes  []string      `json:"defaultInputModes,omitempty"`
	DefaultOutputModes []string      `json:"defaultOutputModes,omitempty"`
	Skills             []skill       `json:"skills,omitempty"`
	Extended           *bool         `json:"supportsAuthenticatedExtendedCard,omitempty"`
}

// without gives a value less what is empty in it; nil when nothing is left.
func without(value any, inArray bool) any {
	switch v := value.(type) {
	case map[string]any:
		for key, member := range v {
			if member = without(member, false); member == nil {
				delete(v, key)
			} else {
				v[key] = member
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		if inArray {
			return v
		}
		var kept []any
		for _, element := range v {
			if element = without(element, true); element != nil {
				kept = append(kept, element)
			}
		}
		if kept == nil {
			return nil
		}
		return kept
	case string:
		if v == "" {
			return nil
		}
	}
	return value
}

func write(out *strings.Builder, value any) error {
	switch v := value.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for key := range v {
			keys = append(keys, key)
		}
		sort.Strings(keys)
		separator := "{"
		for _, key := range keys {
			out.WriteString(separator)
			separator = ","
			if err := write(out, key); err != nil {
				return err
			}
			out.WriteByte(':')
			if err := write(out, v[key]); err != nil {
				return err
			}
		}
		if len(keys) == 0 {
			out.WriteByte('{')
		}
		out.WriteByte('}')
		return nil
	case []any:
		out.WriteByte('[')
		for i, element := range v {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := write(out, element); err != nil {
				return err
			}
		}
		out.WriteByte(']')
		return nil
	}
	text, err := json.Marshal(value)
	out.Write(text)
	return err
}

func sign(text string) (string, error) {
	var read card
	if err := json.Unmarshal([]byte(text), &read); err != nil {
		return "", err
	}
	raw, err := json.Marshal(read)
	if err != nil {
		return "", err
	}
	var tree map[string]any
	if err := json.Unmarshal(raw, &tree); err != nil {
		return "", err
	}
	var out strings.Builder
	without(tree, false)
	err = write(&out, tree)
	return out.String(), err
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var text string
		err := json.Unmarshal(lines.Bytes(), &text)
		payload := ""
		if err == nil {
			payload, err = sign(text)
		}
		if err != nil {
			fmt.Println("-", strings.Join(strings.Fields(err.Error()), " "))
		} else {
			fmt.Println(base64.StdEncoding.EncodeToString([]byte(payload)))
		}
	}
}

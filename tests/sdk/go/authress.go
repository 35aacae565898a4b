// An API key for a user, with Authress's Go SDK (github.com/authress/authress-sdk.go).
//
//	AUTHRESS_API_URL=http://127.0.0.1:8080 SERVICE_ACCESS_KEY=sc_... go run authress.go
//
// Go 1.22 or newer. Where the module proxy does not have the SDK, go.mod takes a clone of its
// repository: replace github.com/authress/authress-sdk.go => ../authress-sdk.go
//
// The service that runs this has a client of its own, which holds Authress:Owner on
// Authress:ServiceClients, on users, and on documents. Each step prints one line.
package main

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	authress "github.com/authress/authress-sdk.go"
	"github.com/authress/authress-sdk.go/apis"
	"github.com/authress/authress-sdk.go/models"
	"github.com/authress/authress-sdk.go/utilities"
)

var ctx = context.Background()

func main() {
	address, err := url.Parse(os.Getenv("AUTHRESS_API_URL"))
	must(err)
	user := os.Getenv("USER_ID")
	if user == "" {
		user = "USER_A1"
	}
	service := connect(address, os.Getenv("SERVICE_ACCESS_KEY"))

	// A client for the user, which may do all with what is the user's, and its key.
	wanted := models.Client{}
	wanted.SetName("API key of " + user)
	client, _, err := service.ServiceClients.CreateClient(ctx).Client(wanted).Execute()
	must(err)
	fmt.Println("client", client.ClientId)
	record, _, err := service.AccessRecords.CreateRecord(ctx).AccessRecord(
		owner("API key "+client.ClientId, client.ClientId, "/users/"+user)).Execute()
	must(err)
	fmt.Println("record", *record.RecordId)
	key, _, err := service.ServiceClients.RequestAccessKey(ctx, client.ClientId).Execute()
	must(err)
	fmt.Println("key", *key.KeyId)

	// The user's program acts with it.
	theirs := connect(address, *key.AccessKey)
	may := func(ctx context.Context, resource, permission string) string {
		response, err := theirs.UserPermissions.AuthorizeUser(
			ctx, client.ClientId, resource, permission).Execute()
		if err != nil && response != nil && response.StatusCode == http.StatusNotFound {
			return "denied"
		}
		must(err)
		return "allowed"
	}
	fmt.Println("own", may(ctx, "users/"+user+"/documents/1", "READ"))
	fmt.Println("another's", may(ctx, "users/SOMEBODY/documents/1", "READ"))
	fmt.Println("document", may(ctx, "documents/7", "READ"))

	// One more statement, unless somebody else has changed the record meanwhile. The SDK sends the
	// time in whole seconds: what was changed within the same second is not seen as changed.
	was, _, err := service.AccessRecords.GetRecord(ctx, *record.RecordId).Execute()
	must(err)
	time.Sleep(time.Until(was.LastUpdated.Truncate(time.Second).Add(time.Second)))
	was.Statements = append(was.Statements, owns("documents/7"))
	update := service.AccessRecords.UpdateRecord(ctx, *record.RecordId).AccessRecord(*was).
		ExpectedLastModifiedTime(*was.LastUpdated)
	_, err = update.Execute()
	must(err)
	fmt.Println("document", may(ctx, "documents/7", "READ"))
	response, err := update.Execute()
	fmt.Println("changed meanwhile", refused(response, err))

	// All records of the service, page by page.
	for n := range 250 {
		_, _, err := service.AccessRecords.CreateRecord(ctx).AccessRecord(
			owner(fmt.Sprintf("%s reads %d", user, n), user, fmt.Sprintf("documents/%d", n))).Execute()
		must(err)
	}
	found, pages := map[string]bool{}, 0
	for list := service.AccessRecords.GetRecords(ctx).Limit(20); ; {
		page, _, err := list.Execute()
		must(err)
		for _, record := range page.Records {
			found[*record.RecordId] = true
		}
		pages++
		next := page.Pagination.Next.Get()
		if next == nil {
			break
		}
		list = list.Cursor(next.Cursor)
	}
	fmt.Println("records", len(found), "pages", pages)

	// Who gets a token from the user's program knows whose it is.
	token, _, err := theirs.Extensions.RequestToken(ctx).OAuthTokenRequest(models.OAuthTokenRequest{
		ClientId:     client.ClientId,
		ClientSecret: *utilities.NewNullableString(key.ClientSecret),
		GrantType:    utilities.PtrString("client_credentials"),
	}).Execute()
	must(err)
	subject, err := verify(address, token.AccessToken)
	must(err)
	fmt.Println("token of", subject)

	// A server's context may carry its caller's token: the SDK sends both, and the key is who asks.
	beside := context.WithValue(ctx, apis.ContextAccessToken, token.AccessToken)
	fmt.Println("key beside a token", may(beside, "documents/7", "READ"))

	// The key is taken away: the next call is refused.
	_, err = service.ServiceClients.DeleteAccessKey(ctx, client.ClientId, *key.KeyId).Execute()
	must(err)
	response, err = theirs.UserPermissions.AuthorizeUser(
		ctx, client.ClientId, "users/"+user+"/documents/1", "READ").Execute()
	fmt.Println("key gone", refused(response, err))
}

func connect(address *url.URL, accessKey string) *authress.AuthressClient {
	return authress.NewAuthressClient(authress.AuthressSettings{
		AuthressApiUrl:         address,
		ServiceClientAccessKey: accessKey,
		UserAgent:              "example",
	})
}

func owner(name, user, resource string) models.AccessRecord {
	record := models.NewAccessRecord(name, []models.Statement{owns(resource)})
	record.Users = []models.User{{UserId: user}}
	return *record
}

func owns(resource string) models.Statement {
	return *models.NewStatement([]string{"Authress:Owner"},
		[]models.Resource{{ResourceUri: resource}})
}

// refused is the status of an answer that the SDK gave as an error.
func refused(response *http.Response, err error) int {
	if err == nil || response == nil {
		log.Fatal("not refused: ", err)
	}
	return response.StatusCode
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// verify is the subject of a good token. This SDK has no verifier: so here is one, which trusts the
// keys that the server publishes (take a library for JWTs, and keep the keys for a while).
func verify(address *url.URL, token string) (string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", errors.New("not a JWT")
	}
	var header struct{ Alg, Kid string }
	var claims struct {
		Iss, Sub string
		Exp      int64
	}
	if err := errors.Join(decode(parts[0], &header), decode(parts[1], &claims)); err != nil {
		return "", err
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return "", err
	}
	key, err := publicKey(address, header.Kid)
	switch {
	case err != nil:
		return "", err
	case header.Alg != "EdDSA" || !ed25519.Verify(key, []byte(parts[0]+"."+parts[1]), signature):
		return "", errors.New("not signed by that key")
	case claims.Iss != address.String() || time.Now().Unix() >= claims.Exp:
		return "", errors.New("of another issuer, or expired")
	}
	return claims.Sub, nil
}

func publicKey(address *url.URL, kid string) (ed25519.PublicKey, error) {
	response, err := http.Get(address.JoinPath("/.well-known/openid-configuration/jwks").String())
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var set struct {
		Keys []struct{ Kid, Alg, X string }
	}
	if err := json.NewDecoder(response.Body).Decode(&set); err != nil {
		return nil, err
	}
	for _, key := range set.Keys {
		if key.Kid == kid && key.Alg == "EdDSA" {
			x, err := base64.RawURLEncoding.DecodeString(key.X)
			if err == nil && len(x) == ed25519.PublicKeySize {
				return x, nil
			}
		}
	}
	return nil, errors.New("no such key")
}

func decode(part string, into any) error {
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

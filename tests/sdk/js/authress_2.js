// An API key for a user, with Authress's JavaScript SDK (npm install @authress/sdk).
//
//     AUTHRESS_API_URL=http://127.0.0.1:8080 SERVICE_ACCESS_KEY=sc_... node authress_2.js
//
// The service that runs this has a client of its own, which holds Authress:Owner on
// Authress:ServiceClients, on users, and on documents. Each step prints one line.

const { AuthressClient, TokenVerifier, UnauthorizedError } = require('@authress/sdk');

const authressApiUrl = process.env.AUTHRESS_API_URL;
const user = process.env.USER_ID || 'USER_A1';

async function main() {
  const service = new AuthressClient({ authressApiUrl }, process.env.SERVICE_ACCESS_KEY);

  // A client for the user, which may do all with what is the user's, and its key.
  const client = (await service.serviceClients.createClient({ name: `API key of ${user}` })).data;
  console.log('client', client.clientId);
  const record = (await service.accessRecords.createRecord({
    name: `API key ${client.clientId}`,
    users: [{ userId: client.clientId }],
    statements: [{ roles: ['Authress:Owner'], resources: [{ resourceUri: `/users/${user}` }] }]
  })).data;
  console.log('record', record.recordId);
  const key = (await service.serviceClients.requestAccessKey(client.clientId)).data;
  console.log('key', key.keyId);

  // The user's program acts with it.
  const theirs = new AuthressClient({ authressApiUrl }, key.accessKey);
  const may = async (resource, permission) => {
    try {
      await theirs.userPermissions.authorizeUser(client.clientId, resource, permission);
      return 'allowed';
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) {
        throw error;
      }
      return 'denied';
    }
  };
  console.log('own', await may(`users/${user}/documents/1`, 'READ'));
  console.log('another\'s', await may('users/SOMEBODY/documents/1', 'READ'));
  console.log('document', await may('documents/7', 'READ'));

  // One more statement, unless somebody else has changed the record meanwhile.
  const was = (await service.accessRecords.getRecord(record.recordId)).data;
  was.statements.push({ roles: ['Authress:Owner'], resources: [{ resourceUri: 'documents/7' }] });
  await service.accessRecords.updateRecord(record.recordId, was, was.lastUpdated);
  console.log('document', await may('documents/7', 'READ'));
  try {
    await service.accessRecords.updateRecord(record.recordId, was, new Date(was.lastUpdated));
  } catch (error) {
    console.log('changed meanwhile', error.status);
  }

  // All records of the service, page by page.
  for (let n = 0; n < 250; n++) {
    await service.accessRecords.createRecord({
      name: `${user} reads ${n}`,
      users: [{ userId: user }],
      statements: [{ roles: ['Authress:Owner'], resources: [{ resourceUri: `documents/${n}` }] }]
    });
  }
  const found = new Set();
  let pages = 0;
  let cursor = null;
  while (pages === 0 || cursor) {
    const page = (await service.accessRecords.getRecords(20, cursor)).data;
    page.records.forEach(r => found.add(r.recordId));
    pages += 1;
    cursor = page.pagination.next && page.pagination.next.cursor;
  }
  console.log('records', found.size, 'pages', pages);

  // Who gets a token from the user's program knows whose it is.
  const token = await theirs.tokenProvider.getToken();
  console.log('token of', (await TokenVerifier(authressApiUrl, token)).sub);

  // The key is taken away: the next call is refused.
  await service.serviceClients.deleteAccessKey(client.clientId, key.keyId);
  try {
    await theirs.userPermissions.authorizeUser(client.clientId, `users/${user}/documents/1`, 'READ');
  } catch (error) {
    console.log('key gone', error.status);
  }
}

main().catch(error => {
  console.error(error);
  process.exitCode = 1;
});

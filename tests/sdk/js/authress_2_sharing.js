/*
 * Rights that find their users, with Authress's JavaScript SDK (npm install @authress/sdk, 2.3).
 *
 *     AUTHRESS_API_URL=http://127.0.0.1:8080 OWNER_TOKEN=ey... USER_TOKEN=ey... USER_ID=auth0|5f1c \
 *         node authress_2_sharing.js
 *
 * As authress_3_sharing.py.
 */
const { AuthressClient } = require('@authress/sdk');

const { AUTHRESS_API_URL: url, USER_ID: userId } = process.env;

function client(token) {
  const made = new AuthressClient({ baseUrl: url });
  made.setToken(process.env[token]);
  return made;
}

const owner = client('OWNER_TOKEN');
const user = client('USER_TOKEN');

async function may(resource, permission) {
  try {
    await user.userPermissions.authorizeUser(userId, resource, permission);
    return 'allowed';
  } catch (error) {
    if (error.code === 'UnauthorizedError' || error.name === 'UnauthorizedError') {
      return 'denied';
    }
    throw error;
  }
}

const on = resourceUri => ({ roles: ['Authress:Owner'], resources: [{ resourceUri }] });

async function main() {
  console.log('team', await may('teams/a', 'teams:write'));
  const invite = (await owner.invites.createInvite({ statements: [on('teams/a')] })).data;
  console.log('invite', invite.inviteId);
  await user.invites.respondToInvite(invite.inviteId);
  console.log('team', await may('teams/a', 'teams:write'));
  const unused = (await owner.invites.createInvite({ statements: [on('teams/b')] })).data;
  await owner.invites.deleteInvite(unused.inviteId);
  await user.invites.respondToInvite(unused.inviteId).catch(error => console.log('invite gone', error.status));

  console.log('blog', await may('teams/blog/1', 'posts:read'));
  await owner.resources.updateResourcePermissions('teams/blog', { permissions: [{ action: 'PUBLIC', allow: true }] });
  console.log('blog', await may('teams/blog/1', 'posts:read'), await may('teams/blog/1', 'posts:write'));
  await owner.resources.updateResourcePermissions('/teams/desks', { permissions: [{ action: 'CLAIM', allow: true }] });
  const { permissions } = (await owner.resources.getResourcePermissions('teams/desks')).data;
  console.log('configured', ...permissions.map(p => `${p.action}=${p.allow}`).sort());
  console.log('configurations', (await owner.resources.getResources()).data.resources.length);
  const desk = { collectionResource: 'teams/desks', resourceId: '7' };
  await user.accessRecords.createClaim(desk);
  console.log('desk', await may('teams/desks/7', 'desks:move'));
  await owner.accessRecords.createClaim(desk).catch(error => console.log('claimed already', error.status));
  const { users } = (await owner.resources.getResourceUsers('teams/desks/7')).data;
  console.log('users', ...users.map(u => u.userId));
}

main().catch(error => {
  console.error(error);
  process.exitCode = 1;
});
